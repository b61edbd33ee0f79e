// SPDX-License-Identifier: Apache-2.0
// A huge page that does not fit into the memory cgroup any more is no OOM: the
// fault falls back to a small page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 5_MiB;
constexpr std::int64_t kFits = 2;   // huge pages
constexpr std::int64_t kSmall = 2;  // the rest

struct Memory : Scene {
  Range range = MapHuge(trace, (kFits + kSmall) * kHugePage);
  Range fits = range.Part(0_B, kFits* kHugePage);
  Range rest = range.Part(kFits * kHugePage, kSmall* kHugePage);
  std::int64_t faults = 0;

  std::int64_t Other() const {
    return CountOther(fits, 1) + CountOther(rest, 1, kHugePage);
  }
};

// Full ones: since 6.12 reclaim may take the zero-filled pages of others.
void WriteWhatFits(Memory& m) {
  m.faults = FaultsOf([&] { WritePages(m.trace, m.fits); });
}

void WriteRest(Memory& m) {
  m.faults += FaultsOf([&] { WritePages(m.trace, m.rest, kHugePage); });
  m.Set("faults", m.faults);
}

Steps<Memory> Make(const Params&, const Facts& f) {
  const auto box = [](const char* event, testing::Matcher<std::int64_t> times) {
    return Is(
        event,
        [=](Memory& m) { return Group(m.f).Field("memory.events", event); },
        times);
  };
  // Counters of the whole machine: others may add to them.
  const auto fallbacks = [](const char* event) {
    return Change(
        event, [=] { return Vmstat(event); }, Ge(kSmall));
  };
  // 8e20d4b33266 (5.19): memory.peak.
  const Oracle peak = f.kernel >= KernelVersion{5, 19}
                          ? Size("box_peak", Between(kFits * kHugePage, kLimit))
                          : Oracle();
  return {
      {"write what fits", WriteWhatFits,
       Huge(&Memory::range, kFits * kHugePage)},
      {"write two more", WriteRest,
       // Up to four faults are not ours: text and stack pages.
       Count("faults", Between(kFits + kSmall, kFits + kSmall + 4)),
       fallbacks("thp_fault_fallback"), fallbacks("thp_fault_fallback_charge"),
       Rss(&Memory::range, kFits * kHugePage + kSmall * kPage),
       Huge(&Memory::range, kFits * kHugePage), box("max", Ge(kSmall)),
       box("oom", 0), box("oom_kill", 0), Is("other", &Memory::Other, 0),
       Count("oom_kills", 0), peak},
  };
}

const Register kMemcgChargeFallback{
    {.id = "thp/memcg_charge_fallback",
     .summary = "a huge page beyond the cgroup's limit becomes a small one",
     .claim = "Seed 1: \"THP turns a sparse writer into a victim\": it does "
              "not, the fault falls back",
     .functions =
         "__do_huge_pmd_anonymous_page, mem_cgroup_charge, mem_cgroup_oom",
     .look_at = "oom above 0 says that a huge charge called the OOM killer",
     .blast = Blast::kCgroup,
     .needs = {.memory = kLimit, .cgroup = 2, .settings = HugeOnAdvice()},
     .steps = Make,
     .metrics = {Metric::Size("rss", "write two more.rss")}}};

}  // namespace
}  // namespace oomgate
