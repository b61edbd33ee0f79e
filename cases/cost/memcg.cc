// SPDX-License-Identifier: Apache-2.0
// What a memory cgroup adds to what its members do: charging pages, giving them
// back, reclaiming clean ones, and killing.
#include "cases/cost/rounds.h"
#include "oomgate/scratch_disk.h"

namespace oomgate::cost {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr Bytes kHeld = 8_MiB;
constexpr std::int64_t kLate = 10'000'000'000;  // nanoseconds

void Charge(Trace& trace, const Facts& f, bool uncharge) {
  Range range;
  const auto write = [&] { WritePages(trace, range); };
  const auto map = [&] { range = MapAnonymous(trace, kSize); };
  const auto unmap = [&] { Unmap(trace, range); };
  const auto count = [&] { trace.Add("done", 1); };
  if (uncharge) {
    MeasureCost(
        trace, f, CostOf::kThread, [&] { map(), write(); }, unmap, count);
  } else {
    MeasureCost(trace, f, CostOf::kThread, map, write,
                [&] { unmap(), count(); });
  }
}

// Pages of the scratch disk that were read once, taken by memory.high.
void Reclaim(Trace& trace, const Facts& f) {
  const int disk = Must(trace, "open of the scratch disk",
                        open(kScratchDisk, O_RDONLY | O_CLOEXEC));
  const Group box(f);
  std::int64_t before = 0;
  MeasureCost(
      trace, f, CostOf::kThread,
      [&] {
        box.Set(trace, "memory.high", "max");
        ReadDisk(trace, 0_B, kSize);
        // How long a disk takes is the host's: later than any, at a moment that
        // what the kernel does every few seconds is always as far from.
        AwaitRound(f, kLate);
        before = box.Number("memory.current");
      },
      [&] { box.Set(trace, "memory.high", 4_MiB); },
      [&] {
        const bool gone =
            before - box.Number("memory.current") >= (kSize / 2).count;
        trace.Add("done", gone ? 1 : 0);
      });
  box.Set(trace, "memory.high", "max");
  close(disk);
}

// From the first of the writes that do not fit to the victim's end.
void Kill(Trace& trace, const Facts& f) {
  WritePages(trace, MapAnonymous(trace, f.box - kHeld - 4_MiB));
  Gate ready(trace);
  Gate go(trace);
  pid_t victim = 0;
  int status = 0;
  MeasureCost(
      trace, f, CostOf::kElapsed,
      [&] {
        victim = StartChild(trace, [&] {
          // Its points are more than all that the subject can hold.
          WriteKnob(trace, "/proc/self/oom_score_adj", "1000");
          WritePages(trace, MapAnonymous(trace, kHeld));
          const Range more = MapAnonymous(trace, kHeld);
          ready.Open();
          go.Pass();
          WritePages(trace, more);
        });
        ready.Pass();
      },
      [&] {
        go.Open();
        status = Reap(victim);
      },
      [&] {
        const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        trace.Add("done", killed ? 1 : 0);
      });
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["of"] == "charge") Charge(trace, f, false);
  if (p["of"] == "uncharge") Charge(trace, f, true);
  if (p["of"] == "reclaim") Reclaim(trace, f);
  if (p["of"] == "kill") Kill(trace, f);
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["of"] == "kill") {
    instance.needs.memory = 31_MiB;
    // What the console says of a kill is not what a kill costs.
    instance.needs.settings = {{"/proc/sys/kernel/printk", "1\t4\t1\t7"},
                               kVmKnobs.With("oom_dump_tasks", "0")};
  }
  if (p["of"] != "reclaim") return;
  instance.needs.cgroup = 2;
  instance.needs.disk = 64_MiB;
}

const Register kMemcg{
    Costs({.id = "cost/memcg",
           .summary = "what charging, uncharging, reclaim and a kill cost",
           .claim = "Seed 1: cgroup limits, and what an OOM kill costs",
           .deed = "writes, unmaps or reclaims 16 MiB in a cgroup, or has a "
                   "child with 8 MiB killed, many times",
           .functions = "try_charge_memcg, uncharge_batch, shrink_folio_list, "
                        "oom_kill_process",
           .blast = Blast::kCgroup,
           .needs = {.memory = 64_MiB, .no_swap = true},
           .adjust = Adjust,
           .params = {{"of", {"charge", "uncharge", "reclaim", "kill"}}},
           .subject = Subject,
           .expect = EachRoundDid<1>,
           .oom_score_adj = 0})};

}  // namespace
}  // namespace oomgate::cost
