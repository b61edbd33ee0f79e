// SPDX-License-Identifier: Apache-2.0
// The huge page that small ones are collapsed into is charged to their group,
// whoever makes it; beyond the limit there is none, and nobody is killed.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr int kRegions = 4;
constexpr Bytes kAll = kRegions * kHugePage;
constexpr Bytes kOwn = 32 * kPage;     // the subject's stack and data
constexpr Bytes kTables = 96 * kPage;  // and what the kernel has for it
constexpr int kPatience = 10000;       // milliseconds, for khugepaged
constexpr int kCollapse = 25;          // MADV_COLLAPSE

// Huge pages where they are asked for. By advice, khugepaged stays out of it;
// else it looks often, and asks for no more than one page.
std::vector<Setting> HugeFor(bool khugepaged) {
  return {kThpKnobs.With("defrag", "madvise"),
          kThpKnobs.With("enabled", "madvise"),
          kKhugepagedKnobs.With("alloc_sleep_millisecs", "0"),
          kKhugepagedKnobs.With("max_ptes_none", khugepaged ? "511" : "0"),
          kKhugepagedKnobs.With("pages_to_scan", "65536"),
          kKhugepagedKnobs.With("scan_sleep_millisecs",
                                khugepaged ? "10" : "600000"),
          kThpKnobs.With("use_zero_page", "1")};
}

struct Regions : Scene {
  OwnGroup group{trace, f};
  Range range = {};

  // One page of each: all that is charged besides comes from the collapse.
  void Touch(int regions) {
    range = MapAnonymous(trace, regions * kHugePage, {.align = 1_GiB});
    WritePages(trace, range, kHugePage);
  }
  void TouchAll() { Touch(kRegions); }
  int Collapse() const {
    TryAdvise(range, MADV_HUGEPAGE);
    if (p["by"] == "advice") return TryAdvise(range, kCollapse);
    const bool huge = HoldsWithin(
        kPatience, [&] { return ReadMapping(range).anon_huge == range.size; });
    return huge ? 0 : ETIMEDOUT;
  }
  void UnmapAll() { Unmap(trace, range); }
  int CollapseOneMore() {
    group.Set(trace, "memory.max", kHugePage);  // no room for another
    Touch(1);
    return Collapse();
  }
  Bytes Rss() const { return ReadMapping(range).rss; }
  std::int64_t WrongBytes() const { return CountOther(range, 1, kHugePage); }
};

Steps<Regions> Make(const Params& p, const Facts& f) {
  constexpr auto kGroup = &Regions::group;
  const Bytes most = kTables + ChargeStock(f);
  const auto charged = [&](Bytes size, testing::Matcher<Bytes> current) {
    Rows<Regions> rows{
        Soon("anon", Stat(kGroup, "anon"),
             Between(size - StatError(f), size + kOwn + StatError(f)))};
    // Before 5.12 (69473e5de873) a huge page was one more, and 32 of them
    // stayed with the CPU.
    if (f.kernel >= KernelVersion{5, 12}) {
      rows.push_back(
          Soon("anon_thp", Stat(kGroup, "anon_thp"), About(f, size)));
    }
    rows.push_back(Is("current", SizeIn(kGroup, "memory.current"), current));
    return Row<Regions>(rows);
  };
  return {
      {"touch a page of each of four regions", &Regions::TouchAll,
       charged(0_B, Le(most))},
      {"collapse them", &Regions::Collapse, Is("rss", &Regions::Rss, kAll),
       charged(kAll, Between(kAll, kAll + most))},
      {"unmap them", &Regions::UnmapAll, charged(0_B, Le(most))},
      // madvise(2): EBUSY where the charge to the cgroup failed.
      StepOf<Regions>("collapse one where the limit has no room",
                      &Regions::CollapseOneMore, Refused(EBUSY),
                      Is("rss", &Regions::Rss, kPage),
                      Is("wrong bytes", &Regions::WrongBytes, 0),
                      Change("max", Event(kGroup, "max"), Gt(0)),
                      Change("oom", Event(kGroup, "oom"), 0),
                      Change("oom_kill", Event(kGroup, "oom_kill"), 0))
          .LeftOut(p["by"] == "advice" ? "" : "khugepaged does not tell of it"),
  };
}

std::string Probe(const Params& p, const Facts&) {
  return p["by"] == "advice" && TryAdvise({}, kCollapse) == EINVAL
             ? "this kernel has no MADV_COLLAPSE"
             : "";
}

const Register kCollapsed{
    {.id = "memcg/collapse",
     .summary = "a collapsed huge page is charged to its group, or not made",
     .claim = "Seed 1: THP and memory cgroups; madvise(2), MADV_COLLAPSE: "
              "EBUSY where it could not be charged to the cgroup",
     .functions = "alloc_charge_hpage, alloc_charge_folio, mem_cgroup_charge, "
                  "collapse_huge_page",
     .look_at = "oom above 0 says that a collapse called the OOM killer",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           instance.needs.settings = HugeFor(p["by"] == "khugepaged");
         },
     .params = {{"by", {"advice", "khugepaged"}}},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
