// SPDX-License-Identifier: Apache-2.0
// Page tables are charged to the memory cgroup: reads that use no memory of
// their own, one per 2 MiB or per 1 GiB, end in an OOM kill at the limit.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kReserve = 16_TiB;

Bytes Stride(const Params& p) {
  if (p["by"] == "pud") return 1_GiB;  // a table and a directory a touch
  return p["by"] == "write" || p["by"] == "dense" ? kPage : kHugePage;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  MapOptions options;
  const bool write = p["by"] == "write";
  options.prot = write ? PROT_READ | PROT_WRITE : PROT_READ;
  options.align = 1_GiB;
  if (p["by"] == "thp_zero") options.pages = MapOptions::kHuge;
  const Range range =
      MapAnonymous(trace, write ? 2 * f.box : kReserve, options);
  if (write) return WritePages(trace, range);
  if (p["by"] == "dense") return ReadPages(trace, range);
  // The first 2 MiB page by page: one fault where it is one huge zero page.
  const std::int64_t faults = ReadUsage().minor_faults;
  ReadPages(trace, range.Part(0_B, kHugePage));
  trace.Set("first_faults", ReadUsage().minor_faults - faults);
  trace.Set("touches", 1);  // its table
  ReadPages(trace, range.Part(Stride(p), range.size - Stride(p)), Stride(p));
}

Oracle Expect(const Params& p, const Facts& f) {
  // What else is charged to the subject: at most 96 pages of stack, text and
  // upper levels. Every touch costs a page and its share of the level above.
  constexpr std::int64_t kOther = 96;
  const std::int64_t pages = f.box / kPage;
  std::int64_t most = pages * 512 / 513;
  if (p["by"] == "pud") most = pages * 512 / 1025;
  std::int64_t least = most - kOther * (p["by"] == "pud" ? 1 : 2) / 2 -
                       (p["by"] == "pud" ? 1 : 0);
  if (p["by"] == "dense") {  // 512 touches a table
    most *= 512;
    least *= 512;
  }
  Oracle killed = AllOf(
      OomKilled(), OomVictimIsSubject(), OomConstraint("CONSTRAINT_MEMCG"),
      Count("oom_kills", Eq(1)), Touches(Between(least, most)));
  // memory.peak came with 5.19; max_usage_in_bytes was always there.
  if (f.cgroup == 1 || f.kernel >= KernelVersion{5, 19}) {
    killed = AllOf(killed, Size("box_peak", Eq(f.box)));
  }
  if (p["by"] == "write") {
    return AllOf(killed, OomAnonRss(Ge(f.box * 97 / 100)));
  }
  // The kernel shows whose allocation failed: a leaf's, or one of the few
  // above.
  const Oracle by_tables =
      AllOf(killed, OomAnonRss(Le(kOwnAnon)), KernelLogHas("handle_mm_fault"),
            KernelLogHas("oomgate-subject invoked oom-killer"),
            KernelLogHasAnyOf({"pte_alloc_one", "__pmd_alloc"}),
            OomPageTables(Between(f.box * 97 / 100, f.box + 64 * kPage)));
  if (p["by"] == "dense") return by_tables;
  // Four at most are not ours: text and stack pages.
  const std::int64_t faults = p["by"] == "thp_zero" ? 1 : 512;
  return AllOf(by_tables, Count("first_faults", Between(faults, faults + 4)));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["by"] == "dense") {
    instance.suite = Suite::kNightly;
    instance.timeout_seconds = 300;
  }
  if (p["by"] != "thp_zero") return;
  instance.needs.settings = {
      {"/sys/kernel/mm/transparent_hugepage/enabled", "madvise"},
      {"/sys/kernel/mm/transparent_hugepage/use_zero_page", "1"}};
}

const Register kSparseAmplification{
    {.id = "pages/sparse_amplification",
     .summary = "page tables count against the cgroup: sparse reads end in OOM",
     .explains =
         {.claim = "Seed 0: \"killed with low RES and 800 MB of VmPTE\"",
          .deed = "touches one byte per page table until the cgroup is full",
          .functions = "pte_alloc_one, GFP_PGTABLE_USER with __GFP_ACCOUNT",
          .look_at = "when it survives, page tables are no longer charged: "
                     "compare VmPTE with memory.stat pagetables"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 32_MiB, .kernel_log = true},
     .adjust = Adjust,
     .params = {{"by", {"pmd", "pud", "dense", "thp_zero", "write"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "touches",
                  .better = Better::kHigher,
                  .kind = Kind::kBounded,
                  .tolerance = 96,
                  .cause = "pages of the subject itself"}}}};

}  // namespace
}  // namespace oomgate
