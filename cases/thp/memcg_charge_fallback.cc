// SPDX-License-Identifier: Apache-2.0
// A huge page that does not fit into the memory cgroup any more is no OOM: the
// fault falls back to a small page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 5_MiB;
constexpr std::int64_t kFits = 2;   // huge pages
constexpr std::int64_t kSmall = 2;  // the rest

std::int64_t Event(const Facts& f, const char* event) {
  return FieldIn((f.box_folder + "/memory.events").c_str(), event);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Range range = MapHuge(trace, (kFits + kSmall) * kHugePage);
  const std::int64_t charges = Vmstat("thp_fault_fallback_charge");
  const std::int64_t fallbacks = Vmstat("thp_fault_fallback");
  const std::int64_t faults = ReadUsage().minor_faults;
  // Full ones: since 6.12 reclaim may take the zero-filled pages of others.
  WritePages(trace, range.Part(0_B, kFits * kHugePage));
  trace.Set("huge_fits", ReadMapping(range).anon_huge);
  const Range rest = range.Part(kFits * kHugePage, kSmall * kHugePage);
  WritePages(trace, rest, kHugePage);
  trace.Set("minor_faults", ReadUsage().minor_faults - faults);
  trace.Set("fallbacks", Vmstat("thp_fault_fallback") - fallbacks);
  trace.Set("fallback_charge", Vmstat("thp_fault_fallback_charge") - charges);
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("rss", mapped.rss);
  trace.Set("anon_huge", mapped.anon_huge);
  trace.Set("max_events", Event(f, "max"));
  trace.Set("oom_events", Event(f, "oom"));
  trace.Set("oom_kill_events", Event(f, "oom_kill"));
  trace.Set("wrong_bytes", CountOther(range.Part(0_B, kFits * kHugePage), 1) +
                               CountOther(rest, 1, kHugePage));
}

Oracle Expect(const Params&, const Facts& f) {
  // 8e20d4b33266 (5.19): memory.peak.
  const Oracle peak = f.kernel >= KernelVersion{5, 19}
                          ? Size("box_peak", Between(kFits * kHugePage, kLimit))
                          : Oracle();
  return AllOf(
      AllOf(Survives(), Count("oom_kills", Eq(0)),
            Size("huge_fits", Eq(kFits * kHugePage)),
            // Up to four faults are not ours: text and stack pages.
            Count("minor_faults", Between(kFits + kSmall, kFits + kSmall + 4)),
            // Of the whole machine: others may add to them.
            Count("fallbacks", Ge(kSmall)),
            Count("fallback_charge", Ge(kSmall))),
      AllOf(Size("rss", Eq(kFits * kHugePage + kSmall * kPage)),
            Size("anon_huge", Eq(kFits * kHugePage)), peak,
            Count("max_events", Ge(kSmall))),
      Count("oom_events", Eq(0)), Count("oom_kill_events", Eq(0)),
      Count("wrong_bytes", Eq(0)));
}

const Register kMemcgChargeFallback{
    {.id = "thp/memcg_charge_fallback",
     .summary = "a huge page beyond the cgroup's limit becomes a small one",
     .explains =
         {.claim = "Seed 1: \"THP turns a sparse writer into a victim\": it "
                   "does not, the fault falls back",
          .deed = "writes four huge mappings in a box that holds two",
          .functions = "__do_huge_pmd_anonymous_page, mem_cgroup_charge, "
                       "mem_cgroup_oom",
          .look_at = "oom_events above 0 says that a huge charge called the "
                     "OOM killer"},
     .blast = Blast::kCgroup,
     .needs = {.memory = kLimit, .cgroup = 2, .settings = HugeOnAdvice()},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
