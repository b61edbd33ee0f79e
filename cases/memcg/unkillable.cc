// SPDX-License-Identifier: Apache-2.0
// A full group whose members must not be killed does not fail: a page fault
// waits, retrying, until there is room; what asks for pages in a system call
// is told of it instead.
#include <sys/prctl.h>

#include "cases/memcg/groups.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kWanted = 12_MiB;

void Protect(Trace& trace) {
  WriteKnob(trace, "/proc/self/oom_score_adj", "-1000");
}

struct Protected : Scene {
  OpenedBox box{trace, f};
  ChildGroup group{trace, box.box(), "fault"};
  Member child{trace};
};

// A way to ask for it all in a system call, by a protected child in a group of
// its own. `ask` gives 0 or errno, or what it got.
template <typename Ask>
auto Call(Ask ask) {
  return [=](Protected& s) {
    const ChildGroup group(s.trace, s.box.box(), "call");
    group.Set(s.trace, "memory.max", kLimit);
    s.Set("status", RunChildIn(s.trace, group, [&] {
            Protect(s.trace);
            const Range range = MapAnonymous(s.trace, kWanted);
            // In the full group a fault of its own would be for ever: whatever
            // it touches later is its own by now.
            s.trace.MakePresent();
            errno = 0;
            s.Set("pages", ResidentPages(range));
            s.Set("asked", ask(range));
            s.Set("pages", ResidentPages(range));
            TryUnmap(range);
          }));
  };
}

Steps<Protected> Make(const Params&, const Facts& f) {
  constexpr Bytes kOther = 64 * kPage;
  constexpr std::int64_t kMost = kLimit / kPage;
  const auto partly =
      AllOf(Count("status", 0), Count("pages", Between(kMost - 64, kMost)));
  // MADV_POPULATE_WRITE came with 5.14.
  const bool advice = f.kernel >= KernelVersion{5, 14};
  return {
      {"write 12 MiB of 8",
       [](Protected& s) {
         s.group.Set(s.trace, "memory.max", kLimit);
         s.child.Start(s.group, [&] {
           Protect(s.trace);
           WritePages(s.trace, MapAnonymous(s.trace, kWanted));
         });
         HoldsWithin(
             10000, [&] { return s.group.Field("memory.events", "oom") >= 5; });
         s.Set("status", s.child.EndWithin(20));
       },
       {Count("status", Member::kRuns),
        {"far", [](Protected& s) { return s.child.Written(); },
         Between(kLimit - kOther, kLimit)},
        {"oom", Event(&Protected::group, "oom"), Ge(5)},
        {"oom_kill", Event(&Protected::group, "oom_kill"), 0},
        {"current", SizeIn(&Protected::group, "memory.current"),
         Between(kLimit - 4 * kPage, kLimit)}}},
      {"lift the limit",
       [](Protected& s) {
         s.group.Set(s.trace, "memory.max", "max");
         s.Set("status", s.child.EndWithin(20000));
       },
       {Count("status", 0),
        {"far", [](Protected& s) { return s.child.Written(); }, kWanted}}},
      {"MAP_POPULATE",
       Call([](const Range& range) {
         prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
         return TryMapOver(
             range, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE);
       }),
       {Count("asked", 0), partly}},
      {"MADV_POPULATE_WRITE",
       Call([](const Range& range) {
         return TryAdvise(range, MADV_POPULATE_WRITE);
       }),
       {Count("asked", advice ? ENOMEM : EINVAL),
        advice ? partly : AllOf(Count("status", 0), Count("pages", 0))}},
      {"read of /dev/zero",
       Call([](const Range& range) {
         const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
         return read(zero, range.start, Length(range.size));
       }),
       {Size("asked", Between(kLimit - kOther, kLimit)), partly,
        Count("oom_kills", 0)}},
  };
}

const Register kUnkillable{
    {.id = "memcg/unkillable",
     .summary = "nobody to kill: faults wait, system calls stop half-way",
     .claim = "Seed 0: a valid access cannot fail; where nobody may be killed "
              "it waits (cgroup.unkillable_livelock, cgroup.populate_partial)",
     .functions = "mem_cgroup_oom, pagefault_out_of_memory, faultin_page, "
                  "madvise_populate",
     .look_at = "a status of -1 is a child that still runs; pages says how far "
                "each call came",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
