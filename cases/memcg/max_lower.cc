// SPDX-License-Identifier: Apache-2.0
// memory.max can be lowered below what is used: the write succeeds, what can be
// is swapped out, and what cannot be reclaimed is killed; where nothing can be
// killed it comes back all the same, and no new page fits.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kHeld = 12_MiB;
constexpr Bytes kLowered = 4_MiB;
constexpr Bytes kMore = 1_MiB;
constexpr int kTries = 8;

pid_t StartHolder(Trace& trace, const Group& group, Gate& ready, Bytes size) {
  const pid_t child = StartChildIn(trace, group, [&] {
    WritePages(trace, MapAnonymous(trace, size));
    ready.Open();
    WaitForever();
  });
  ready.Pass();
  return child;
}

// What fits into swap goes there, and nobody dies: whether it is so.
bool GoesIntoSwap(Trace& trace, const OpenedBox& box) {
  const Group group = box.Child("group");
  Gate ready(trace);
  const pid_t holder = StartHolder(trace, group, ready, kHeld);
  trace.Set("lower_errno", group.Write("memory.max", kLowered));
  int status = -1;
  trace.Set("killed", EndsWithin(holder, 50, status) ? status : 0);
  trace.Set("kills", group.Field("memory.events", "oom_kill"));
  trace.Set("max", group.Number("memory.max"));
  trace.Set("current", group.Number("memory.current"));
  trace.Set("swap", group.Number("memory.swap.current"));
  const bool killed = status != -1;
  if (!killed) EndChild(holder);
  group.Remove(trace);
  return !killed;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const OpenedBox box(trace, f);
  if (p["swap"] != "0") {
    // A disk that is slower than the kernel's patience may cost a life.
    for (int i = 0; i < kTries && !GoesIntoSwap(trace, box); ++i) {
    }
    return;
  }
  const Group group = box.Child("group");
  Gate ready(trace);
  // Enough room still: nothing happens.
  const pid_t holder = StartHolder(trace, group, ready, kHeld);
  trace.Set("above_errno", group.Write("memory.max", kHeld + kMore));
  trace.Set("above_kills", group.Field("memory.events", "oom_kill"));
  // Too little: killed, by the writer of the limit.
  trace.Set("lower_errno", group.Write("memory.max", kLowered));
  int status = -1;
  trace.Set("killed", EndsWithin(holder, 5000, status) ? status : -1);
  trace.Set("kills", group.Field("memory.events", "oom_kill"));
  trace.Set("ooms", group.Field("memory.events", "oom"));
  const auto current = [&] { return group.Number("memory.current"); };
  HoldsWithin(5000, [&] { return current() <= (512_KiB).count; });
  trace.Set("current", current());
  trace.Set("max", group.Number("memory.max"));
  group.Remove(trace);

  // Memory of nobody: it cannot be killed, and without swap not reclaimed.
  const Group residue = box.Child("residue");
  MapOptions shared;
  shared.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  const Range range = MapAnonymous(trace, kHeld, shared);
  trace.Set("writer", Reap(StartChildIn(trace, residue,
                                        [&] { WritePages(trace, range); })));
  trace.Set("residue_errno", residue.Write("memory.max", kLowered));
  trace.Set("residue_kills", residue.Field("memory.events", "oom_kill"));
  trace.Set("residue_max", residue.Number("memory.max"));
  trace.Set("residue_current", residue.Number("memory.current"));
  // The next that wants a page there dies of it.
  trace.Set("next", Reap(StartChildIn(trace, residue, [&] {
              WritePages(trace, MapAnonymous(trace, kMore));
            })));
  Unmap(trace, range);
  trace.Set("then", Reap(StartChildIn(trace, residue, [&] {
              WritePages(trace, MapAnonymous(trace, kMore));
            })));
  residue.Remove(trace);
}

Oracle Expect(const Params& p, const Facts& f) {
  const Bytes stock = 64 * f.cpus * kPage;
  if (p["swap"] != "0") {
    return AllOf(Survives(), Count("lower_errno", Eq(0)),
                 Count("killed", Eq(0)), Count("kills", Eq(0)),
                 Size("max", Eq(kLowered)), Size("current", Le(kLowered)),
                 Size("swap", Between(kHeld - kLowered, kHeld + kOwnAnon)));
  }
  return AllOf(
      Survives(), Count("above_errno", Eq(0)), Count("above_kills", Eq(0)),
      Count("lower_errno", Eq(0)), Count("killed", Eq(SIGKILL)),
      // The writer asks again until the victim is gone.
      Count("kills", Eq(1)), Count("ooms", Ge(1)), Size("current", Le(512_KiB)),
      Size("max", Eq(kLowered)), Count("writer", Eq(0)),
      Count("residue_errno", Eq(0)), Count("residue_kills", Eq(0)),
      Size("residue_max", Eq(kLowered)),
      Size("residue_current", Between(kHeld, kHeld + 64 * kPage + stock)),
      Count("next", Eq(SIGKILL)), Count("then", Eq(0)),
      Count("oom_kills", Eq(2)));
}

const Register kMaxLower{
    {.id = "memcg/max_lower",
     .summary =
         "memory.max below usage: accepted, and enforced by swap or kill",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: memory.max; "
                           "cgroup.max_lower_below_usage; seed 1: observing "
                           "OOM",
                  .deed = "lowers the limit of a group below what a member "
                          "holds, with swap and without, and below what a dead "
                          "writer left",
                  .functions = "memory_max_write, mem_cgroup_out_of_memory",
                  .look_at = "killed is the holder's wait status, next and "
                             "then those of later ones"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["swap"] == "0") {
             instance.needs.no_swap = true;
             return;
           }
           instance.needs.swap = p.Size("swap");
           instance.needs.box = {{"memory.swap.max", "max"}};
         },
     .params = {{"swap", {"0", "64m"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
