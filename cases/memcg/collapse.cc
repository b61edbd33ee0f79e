// SPDX-License-Identifier: Apache-2.0
// The huge page that small ones are collapsed into is charged to their group,
// whoever makes it; beyond the limit there is none, and nobody is killed.
#include <cerrno>
#include <cstdio>

#include "cases/memcg/stat.h"

namespace oomgate {
namespace {

constexpr int kRegions = 4;
constexpr Bytes kOwn = 32 * kPage;     // the child's stack and data
constexpr Bytes kTables = 96 * kPage;  // and what the kernel has for it
constexpr Bytes kLimit = kHugePage;    // no room for another huge page
constexpr int kFolded = 5000;
constexpr int kPatience = 10000;  // milliseconds, for khugepaged
constexpr int kCollapse = 25;     // MADV_COLLAPSE

// Huge pages where they are asked for. By advice, khugepaged stays out of it;
// else it looks often, and asks for no more than one page.
std::vector<Setting> HugeFor(bool khugepaged) {
  const std::string thp = "/sys/kernel/mm/transparent_hugepage/";
  return {
      {thp + "defrag", "madvise"},
      {thp + "enabled", "madvise"},
      {thp + "khugepaged/alloc_sleep_millisecs", "0"},
      {thp + "khugepaged/max_ptes_none", khugepaged ? "511" : "0"},
      {thp + "khugepaged/pages_to_scan", "65536"},
      {thp + "khugepaged/scan_sleep_millisecs", khugepaged ? "10" : "600000"},
      {thp + "use_zero_page", "1"}};
}

// Whether all of it is huge by then.
bool Collapse(const Params& p, const Range& range) {
  TryAdvise(range, MADV_HUGEPAGE);
  if (p["by"] == "advice") {
    return TryAdvise(range, kCollapse) == 0;
  }
  return HoldsWithin(
      kPatience, [&] { return ReadMapping(range).anon_huge == range.size; });
}

// One page of each 2 MiB: all that is charged besides comes from the collapse.
Range Touch(Trace& trace, int regions) {
  MapOptions small;
  small.align = 1_GiB;
  const Range range = MapAnonymous(trace, regions * kHugePage, small);
  WritePages(trace, range, kHugePage);
  return range;
}

void Leave(Trace& trace, const Group& group, const char* when) {
  char name[48];
  for (const char* field : {"anon", "anon_thp"}) {
    std::snprintf(name, sizeof name, "%s.%s", when, field);
    trace.Set(name, group.Field("memory.stat", field));
  }
  std::snprintf(name, sizeof name, "%s.current", when);
  trace.Set(name, group.Number("memory.current"));
}

void Counted(Trace& trace, const Params& p, const Facts& f,
             const OpenedBox& box) {
  const Group group = box.Child("group");
  Gate ready(trace);
  Gate go(trace);
  const pid_t child = StartChildIn(trace, group, [&] {
    const Range range = Touch(trace, kRegions);
    ready.Open();
    go.Pass();
    trace.Set("collapsed", Collapse(p, range));
    trace.Set("rss", ReadMapping(range).rss);
    ready.Open();
    go.Pass();
    Unmap(trace, range);
    ready.Open();
    WaitForever();
  });
  const auto told = [&](Bytes size) {
    HoldsWithin(kFolded, [&] {
      const auto number = [&](const char* field) {
        return group.Field("memory.stat", field);
      };
      return number("anon") >= (size - StatError(f)).count &&
             number("anon") <= (size + kOwn + StatError(f)).count &&
             (f.kernel < KernelVersion{5, 12} ||
              Near(f, number("anon_thp"), size));
    });
  };
  ready.Pass();
  Leave(trace, group, "before");
  go.Open();
  ready.Pass();
  told(kRegions * kHugePage);
  Leave(trace, group, "after");
  go.Open();
  ready.Pass();
  told(0_B);
  Leave(trace, group, "left");
  EndChild(child);
  group.Remove(trace);
}

void Limited(Trace& trace, const OpenedBox& box) {
  const Group group = box.Child("group");
  group.Set(trace, "memory.max", kLimit);
  trace.Set("limit.status", Reap(StartChildIn(trace, group, [&] {
              const Range range = Touch(trace, 1);
              TryAdvise(range, MADV_HUGEPAGE);
              trace.Set("limit.errno", TryAdvise(range, kCollapse));
              trace.Set("limit.rss", ReadMapping(range).rss);
              trace.Set("limit.bytes", CountOther(range, 1, kHugePage));
            })));
  for (const char* event : {"max", "oom", "oom_kill"}) {
    char name[48];
    std::snprintf(name, sizeof name, "limit.%s", event);
    trace.Set(name, group.Field("memory.events", event));
  }
  group.Remove(trace);
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const OpenedBox box(trace, f);
  Counted(trace, p, f, box);
  if (p["by"] == "advice") Limited(trace, box);
}

std::string Probe(const Params& p, const Facts&) {
  return p["by"] == "advice" && TryAdvise({}, kCollapse) == EINVAL
             ? "this kernel has no MADV_COLLAPSE"
             : "";
}

Oracle Expect(const Params& p, const Facts& f) {
  const Bytes error = StatError(f);
  const Bytes stock = 64 * f.cpus * kPage;
  const Bytes all = kRegions * kHugePage;
  const auto near = [&](Bytes size) {
    return Between(size - error, size + kOwn + error);
  };
  // Before 5.12 (69473e5de873) a huge page was one more, and 32 of them stayed
  // with the CPU.
  const Oracle huge = f.kernel < KernelVersion{5, 12}
                          ? Oracle(testing::_)
                          : Oracle(AllOf(Told(f, "before.anon_thp", 0_B),
                                         Told(f, "after.anon_thp", all),
                                         Told(f, "left.anon_thp", 0_B)));
  const Oracle counted = AllOf(
      Survives(), huge, Size("before.anon", Le(kOwn + error)),
      Count("collapsed", Eq(1)), Size("rss", Eq(all)),
      Size("after.anon", near(all)),
      Size("after.current", Between(all, all + kTables + stock)),
      Size("left.anon", near(0_B)), Size("left.current", Le(kTables + stock)));
  if (p["by"] == "khugepaged") return counted;
  // madvise(2): EBUSY where the charge to the cgroup failed.
  return AllOf(counted, Count("limit.status", Eq(0)),
               Count("limit.errno", Eq(EBUSY)), Size("limit.rss", Eq(kPage)),
               Count("limit.bytes", Eq(0)), Count("limit.max", Gt(0)),
               Count("limit.oom", Eq(0)), Count("limit.oom_kill", Eq(0)));
}

const Register kCollapsed{
    {.id = "memcg/collapse",
     .summary = "a collapsed huge page is charged to its group, or not made",
     .explains =
         {.claim = "Seed 1: THP and memory cgroups; madvise(2), MADV_COLLAPSE: "
                   "EBUSY where it could not be charged to the cgroup",
          .deed = "in a group of its own, writes one page of each of four "
                  "regions and has them collapsed, by advice or by khugepaged; "
                  "then once more where the limit leaves no room",
          .functions = "alloc_charge_hpage, alloc_charge_folio, "
                       "mem_cgroup_charge, collapse_huge_page",
          .look_at = "after.* is the group's memory.stat; limit.oom above 0 "
                     "says that a collapse called the OOM killer"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           instance.needs.settings = HugeFor(p["by"] == "khugepaged");
         },
     .params = {{"by", {"advice", "khugepaged"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
