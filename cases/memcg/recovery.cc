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
};

// What a process fills the group with; each page counts as "written".
struct Filling {
  const char* step;
  void (*fill)(Trace&);
};

void Anonymous(Trace& trace) {
  WritePages(trace, MapAnonymous(trace, 2 * kLimit));
}
constexpr Filling kFillings[] = {
    {"fill it with anonymous pages", Anonymous},
    {"fill it again", Anonymous},
    {"fill it with shared pages",
     [](Trace& trace) {
       WritePages(trace, MapAnonymous(trace, 2 * kLimit,
                                      {.flags = MAP_SHARED | MAP_ANONYMOUS |
                                                MAP_NORESERVE}));
     }},
    {"fill it with a memfd",
     [](Trace& trace) {
       static char page[4096];
       const int file = MakeMemfd(trace);
       for (;;) {
         Must(trace, "write to a memfd", write(file, page, sizeof page));
         trace.Add("written", sizeof page);
       }
     }},
    {"fill it with page tables", [](Trace& trace) {
       const Range range = MapAnonymous(trace, 64_GiB, {.prot = PROT_READ});
       for (Bytes at; at < range.size; at += kHugePage) {
         (void)*static_cast<volatile char*>(range.start + at.count);
         trace.Add("written", kPage.count);
       }
     }}};

Steps<Filled> Make(const Params&, const Facts& f) {
  // The child's stack, tables, and kernel objects.
  constexpr Bytes kOther = 64 * kPage;
  const auto event = [](const char* key) { return Event(&Filled::group, key); };
  Steps<Filled> steps;
  for (const Filling& filling : kFillings) {
    steps.push_back(
        {filling.step,
         [fill = filling.fill](Filled& s) {
           s.group.Set(s.trace, "memory.max", kLimit);
           s.Set("status", s.group.Run([&] { fill(s.trace); }));
           const Stopwatch watch;
           HoldsWithin(5000, [&] {
             return s.group.Number("memory.current") <= (512_KiB).count;
           });
           s.Set("ms", watch.Milliseconds());
         },
         {Count("status", SIGKILL),
          Written(Between(kLimit - kOther, kLimit)),
          {"current", SizeIn(&Filled::group, "memory.current"), Le(512_KiB)},
          Change("kills", event("oom_kill"), 1),
          Change("ooms", event("oom"), 1),
          // memory.peak came with 5.19.
          {"peak", SizeIn(&Filled::group, "memory.peak"),
           f.kernel < KernelVersion{5, 19} ? Bytes{-1} : kLimit}}});
  }
  steps[1].expect +=
      Difference("fill it with anonymous pages.written", "written",
                 Between(-8 * kPage.count, 8 * kPage.count));
  return steps;
}

const Register kRecovery{
    {.id = "memcg/recovery",
     .summary = "after a kill all is given back; the next gets just as far",
     .claim =
         "Seed 0: a page-table eater is killed, and then all is well again; "
         "Documentation/admin-guide/cgroup-v2: memory.max is a hard limit",
     .functions =
         "exit_mmap, uncharge_batch, oom_reap_task_mm, page_counter_cancel",
     .look_at = "written is how far each came, current what it left",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .steps = Make,
     .metrics = {
         Metric::Time("recover_ms", "ms", "fill it with page tables.ms")}}};

}  // namespace
}  // namespace oomgate
