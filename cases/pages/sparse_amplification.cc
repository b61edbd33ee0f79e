// SPDX-License-Identifier: Apache-2.0
// Page tables are charged to the memory cgroup: reads that use no memory of
// their own, one per 2 MiB or per 1 GiB, end in an OOM kill at the limit.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

Bytes Stride(const Params& p) {
  if (p["by"] == "pud") return 1_GiB;  // a table and a directory a touch
  return p["by"] == "write" || p["by"] == "dense" ? kPage : kHugePage;
}

struct Sparse : Scene {
  bool write = p["by"] == "write";
  Range range =
      MapAnonymous(trace, write ? 2 * f.box : 16_TiB,
                   {.prot = write ? PROT_READ | PROT_WRITE : PROT_READ,
                    .align = 1_GiB,
                    .pages = p["by"] == "thp_zero" ? MapOptions::kHuge
                                                   : MapOptions::kSmall});
};

void ReadFirst(Sparse& s) {
  const std::int64_t faults = Faults();
  ReadPages(s.trace, s.range.Part(0_B, kHugePage));
  s.Set("faults", Faults() - faults);
}

// On from the first 2 MiB or 1 GiB, which have their table.
void ReadOn(Sparse& s) {
  const Bytes stride = Stride(s.p);
  s.Set("touches", 1);
  ReadPages(s.trace, s.range.Part(stride, s.range.size - stride), stride);
}

void TouchAll(Sparse& s) {
  s.write ? WritePages(s.trace, s.range) : ReadPages(s.trace, s.range);
}

Row<Sparse> Killed(const Params& p, const Facts& f) {
  // What else is charged to the subject: at most 96 pages of stack, text and
  // upper levels. Every touch costs a page and its share of the level above.
  constexpr std::int64_t kOther = 96;
  const bool pud = p["by"] == "pud";
  std::int64_t most = f.box / kPage * 512 / (pud ? 1025 : 513);
  std::int64_t least = most - (pud ? kOther / 2 + 1 : kOther);
  if (p["by"] == "dense") {  // 512 touches a table
    most *= 512;
    least *= 512;
  }
  return AllOf(OomKilled(), OomVictimIsSubject(),
               OomConstraint("CONSTRAINT_MEMCG"), Count("oom_kills", 1),
               Touches(Between(least, most)), BoxWasFull(f));
}

// The kernel shows whose allocation failed: a leaf's, or one of the few above.
Row<Sparse> ByTables(const Facts& f) {
  return AllOf(OomAnonRss(Le(kOwnAnon)), KernelLogHas("handle_mm_fault"),
               KernelLogHas("oomgate-subject invoked oom-killer"),
               KernelLogHasAnyOf({"pte_alloc_one", "__pmd_alloc"}),
               OomPageTables(Between(f.box * 97 / 100, f.box + 64 * kPage)));
}

Steps<Sparse> Make(const Params& p, const Facts& f) {
  if (p["by"] == "write") {
    return {
        {"touch", TouchAll, {Killed(p, f), OomAnonRss(Ge(f.box * 97 / 100))}}};
  }
  if (p["by"] == "dense") {
    return {{"touch", TouchAll, {Killed(p, f), ByTables(f)}}};
  }
  // One fault where it is one huge zero page. Four at most are not ours: text
  // and stack pages.
  const std::int64_t faults = p["by"] == "thp_zero" ? 1 : 512;
  return {{"read the first 2 MiB",
           ReadFirst,
           {Count("faults", Between(faults, faults + 4))}},
          {"touch", ReadOn, {Killed(p, f), ByTables(f)}}};
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["by"] == "dense") {
    instance.suite = Suite::kNightly;
    instance.timeout_seconds = 300;
  }
  if (p["by"] != "thp_zero") return;
  instance.needs.settings = {kThpKnobs.With("enabled", "madvise"),
                             kThpKnobs.With("use_zero_page", "1")};
}

const Register kSparseAmplification{
    {.id = "pages/sparse_amplification",
     .summary = "page tables count against the cgroup: sparse reads end in OOM",
     .claim = "Seed 0: \"killed with low RES and 800 MB of VmPTE\"",
     .functions = "pte_alloc_one, GFP_PGTABLE_USER with __GFP_ACCOUNT",
     .look_at = "when it survives, page tables are no longer charged: compare "
                "VmPTE with memory.stat pagetables",
     .blast = Blast::kCgroup,
     .needs = {.memory = 32_MiB, .kernel_log = true},
     .adjust = Adjust,
     .params = {{"by", {"pmd", "pud", "dense", "thp_zero", "write"}}},
     .steps = Make,
     .metrics = {Metric::Count("touches", "touch.touches")
                     .HigherIsBetter()
                     .Within(96, "pages of the subject itself")}}};

}  // namespace
}  // namespace oomgate::pages
