// SPDX-License-Identifier: Apache-2.0
// What a killed process held is the group's again: the next one gets just as
// far, whatever the memory was, and the group can be removed at once.
#include "cases/memcg/groups.h"
#include "oomgate/stopwatch.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;

struct Filled : Scene {
  GroupInBox group{trace, f};

  void Fill(void (*with)(Trace&)) const {
    group.Set(trace, "memory.max", kLimit);
    Set("status", group.Run([&] { with(trace); }));
    const Stopwatch watch;
    HoldsWithin(5000, [&] { return Current() <= 512_KiB; });
    Set("ms", watch.Milliseconds());
  }
  Bytes Current() const { return Bytes{group.Number("memory.current")}; }
};

// What a process fills the group with; each page counts as "written".
void Anonymous(Trace& trace) {
  WritePages(trace, MapAnonymous(trace, 2 * kLimit));
}
void Shared(Trace& trace) {
  constexpr int kFlags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  WritePages(trace, MapAnonymous(trace, 2 * kLimit, {.flags = kFlags}));
}
void Memfd(Trace& trace) { WriteFile(trace, MakeMemfd(trace), 2 * kLimit); }
void PageTables(Trace& trace) {
  const Range range = MapAnonymous(trace, 64_GiB, {.prot = PROT_READ});
  for (Bytes at; at < range.size; at += kHugePage) {
    (void)*static_cast<volatile char*>(range.start + at.count);
    trace.Add("written", kPage.count);
  }
}

Steps<Filled> Make(const Params&, const Facts& f) {
  constexpr auto kGroup = &Filled::group;
  const auto fill = [&](const char* name, void (*with)(Trace&),
                        const Oracle& more = {}) {
    return StepOf<Filled>(
        name, [with](Filled& s) { s.Fill(with); }, Count("status", SIGKILL),
        Written(Between(kLimit - 64 * kPage, kLimit)),  // less stack, tables
        Is("current", &Filled::Current, Le(512_KiB)),
        Change("kills", Event(kGroup, "oom_kill"), 1),
        Change("ooms", Event(kGroup, "oom"), 1),
        // memory.peak came with 5.19.
        Is("peak", SizeIn(kGroup, "memory.peak"),
           f.kernel < KernelVersion{5, 19} ? Bytes{-1} : kLimit),
        more);
  };
  return {fill("fill it with anonymous pages", Anonymous),
          fill("fill it again", Anonymous,
               Difference("fill it with anonymous pages.written", "written",
                          Between(-8 * kPage.count, 8 * kPage.count))),
          fill("fill it with shared pages", Shared),
          fill("fill it with a memfd", Memfd),
          fill("fill it with page tables", PageTables)};
}

const Register kRecovery{
    {.id = "memcg/recovery",
     .summary = "after a kill all is given back; the next gets just as far",
     .claim = "Seed 0: a page-table eater is killed, and all is well again; "
              "admin-guide/cgroup-v2: memory.max is a hard limit",
     .functions =
         "exit_mmap, uncharge_batch, oom_reap_task_mm, page_counter_cancel",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .steps = Make,
     .metrics = {
         Metric::Time("recover_ms", "ms", "fill it with page tables.ms")}}};

}  // namespace
}  // namespace oomgate
