// SPDX-License-Identifier: Apache-2.0
// memory.max can be lowered below what is used: the write succeeds, what can be
// is swapped out, and what cannot be reclaimed is killed; where nothing can be
// killed it comes back all the same, and no new page fits.
#include "cases/memcg/groups.h"
#include "cases/memcg/push_out.h"

namespace oomgate {
namespace {

constexpr Bytes kHeld = 12_MiB;
constexpr Bytes kLowered = 4_MiB;
constexpr Bytes kMore = 1_MiB;

struct Groups : Scene {
  GroupInBox group{trace, f};
  ChildGroup residue{trace, group.box(), "residue"};
  Member holder{trace};  // of kHeld
  Range shared = {};     // memory of nobody, once its writer is gone

  void StartHolder(const Group& in) {
    holder.RunToPause(in, [&] {
      WritePages(trace, MapAnonymous(trace, kHeld));
      holder.Pause();
    });
  }
  int Killed() { return holder.EndWithin(5000); }

  int LimitAbove() {
    StartHolder(group);
    return group.Write("memory.max", kHeld + kMore);
  }
  int Lower() const { return group.Write("memory.max", kLowered); }
  int LowerResidue() const { return residue.Write("memory.max", kLowered); }

  int LeaveResidue() {
    shared = MapAnonymous(
        trace, kHeld, {.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE});
    return RunChildIn(trace, residue, [&] { WritePages(trace, shared); });
  }
  int Write() const {
    return RunChildIn(trace, residue,
                      [&] { WritePages(trace, MapAnonymous(trace, kMore)); });
  }
  void WriteTooMuch() const { Set("status", Write()); }
  int UnmapAndWrite() const {
    Unmap(trace, shared);
    return Write();
  }
};

// A disk that is slower than the kernel's patience may cost a life: once more,
// then.
int LowerWithSwap(Groups& s) {
  int error = 0;
  int status = SIGKILL;
  for (int tries = 8; status != Member::kRuns && tries > 0; --tries) {
    const ChildGroup group(s.trace, s.group.box(), "swapped");
    s.StartHolder(group);
    error = group.Write("memory.max", kLowered);
    status = s.holder.EndWithin(50);
    s.Set("status", status);
    s.Set("kills", group.Field("memory.events", "oom_kill"));
    s.Set("max", group.Number("memory.max"));
    s.Set("current", group.Number("memory.current"));
    s.Set("swap", group.Number("memory.swap.current"));
    s.holder.Kill();
  }
  return error;
}

Steps<Groups> Make(const Params& p, const Facts& f) {
  constexpr auto kGroup = &Groups::group;
  constexpr auto kResidue = &Groups::residue;
  if (p["swap"] != "0") {
    return {{"lower the limit below what is held", LowerWithSwap,
             Count("status", Member::kRuns), Count("kills", 0),
             Size("max", kLowered), Size("current", Le(kLowered)),
             Size("swap", Between(kHeld - kLowered, kHeld + kOwnAnon))}};
  }
  return {
      {"lower the limit to more than is held", &Groups::LimitAbove,
       Is("max", SizeIn(kGroup, "memory.max"), kHeld + kMore),
       Is("oom_kill", Event(kGroup, "oom_kill"), 0)},
      // The writer of the limit kills, and asks again until the victim is gone.
      {"lower it below what is held", &Groups::Lower,
       Is("status", &Groups::Killed, SIGKILL),
       Is("oom_kill", Event(kGroup, "oom_kill"), 1),
       Is("oom", Event(kGroup, "oom"), Ge(1)),
       Soon("current", SizeIn(kGroup, "memory.current"), Le(512_KiB)),
       Is("max", SizeIn(kGroup, "memory.max"), kLowered)},
      // What cannot be killed, and without swap not reclaimed.
      {"leave memory of nobody", &Groups::LeaveResidue,
       Is("current", SizeIn(kResidue, "memory.current"), Ge(kHeld))},
      {"lower the limit below that", &Groups::LowerResidue,
       Is("oom_kill", Event(kResidue, "oom_kill"), 0),
       Is("max", SizeIn(kResidue, "memory.max"), kLowered),
       Is("current", SizeIn(kResidue, "memory.current"),
          Between(kHeld, kHeld + 64 * kPage + ChargeStock(f)))},
      {"write there", &Groups::WriteTooMuch, Count("status", SIGKILL)},
      {"unmap what nobody has, and write there", &Groups::UnmapAndWrite,
       Written(kMore), Count("oom_kills", 2)},
  };
}

const Register kMaxLower{
    {.id = "memcg/max_lower",
     .summary =
         "memory.max below usage: accepted, and enforced by swap or kill",
     .claim = "Documentation/admin-guide/cgroup-v2: memory.max; "
              "cgroup.max_lower_below_usage; seed 1: observing OOM",
     .functions = "memory_max_write, mem_cgroup_out_of_memory",
     .look_at = "a status is that of wait(2): 9 is SIGKILL",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .adjust = SwapOfParameter,
     .params = {{"swap", {"0", "64m"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
