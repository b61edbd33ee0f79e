// SPDX-License-Identifier: Apache-2.0
// Guard regions are marks in page tables: one call builds tables for gigabytes,
// with no fault, no memory and no commit charge, but charged to the cgroup.
#include "cases/pages/tables.h"

// Since 6.13; not in the headers of every libc.
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

namespace oomgate::pages {
namespace {

// 32 MiB of tables in a box of 64 MiB, or four times the box.
Bytes SizeOf(const Params& p) {
  return p["tables"] == "fit" ? 16_GiB : 128_GiB;
}

struct Guards : Counted {
  Range range = MapApart(trace, SizeOf(p), PROT_READ | PROT_WRITE);
  Range first = range.Part(0_B, kPage);
  int target = MakeMemfd(trace);
  int warm_target = Access("");

  // 0 where the kernel can read a byte there for us.
  int Access(const char* at) const { return ErrnoOf(pwrite(target, at, 1, 0)); }
  int First() const { return Access(range.start); }
  int Last() const { return Access(range.end() - 1); }
};

int Install(Guards& s) {
  s.Set("returned", 0);
  const int error = TryAdvise(s.range, MADV_GUARD_INSTALL);
  s.Set("returned", 1);
  return error;
}

Steps<Guards> Make(const Params& p, const Facts& f) {
  const Bytes size = SizeOf(p);
  const Bytes tables = TablesFor(0_B, size / kPage, kPage);
  Steps<Guards> steps = {
      {"write the first page",
       [](Guards& s) { WritePages(s.trace, s.first); },
       {{"tables", &Guards::Tables, 3 * kPage}, {"rss", Smaps("Rss"), kPage}}}};
  if (f.kernel < KernelVersion{6, 13}) {  // 662df3e5c376
    steps.push_back({"install guards",
                     Install,
                     {Refused(EINVAL), {"first errno", &Guards::First, 0}}});
    return steps;
  }
  if (p["tables"] != "fit") {
    steps.push_back(
        {"install guards",
         [](Guards& s) { (void)Install(s); },
         {OomKilled(), OomVictimIsSubject(), OomConstraint("CONSTRAINT_MEMCG"),
          Count("returned", 0), OomAnonRss(Le(kOwnAnon)),
          OomPageTables(Ge(f.box * 97 / 100)), BoxWasFull(f)}});
    return steps;
  }
  // What is empty in whole is freed with its pages: 6.14 (CONFIG_PT_RECLAIM).
  const bool reclaims = f.kernel >= KernelVersion{6, 14};
  const Bytes upper = tables - (size / kHugePage) * kPage;
  const Steps<Guards> more = {
      {"install guards",
       Install,
       {Change("faults", Faults, 0),
        {"tables", &Guards::Tables, tables},
        {"rss", Smaps("Rss"), 0_B},
        {"accounted", [](Guards& s) { return ReadMapping(s.range).accounted; },
         0_B},
        {"mappings", [](Guards& s) { return ReadMapping(s.range).mappings; },
         1},
        {"first errno", &Guards::First, EFAULT},
        {"last errno", &Guards::Last, EFAULT}}},
      StepOf<Guards>(
          "discard the first page",
          [](Guards& s) { return TryAdvise(s.first, MADV_DONTNEED); },
          {{"first errno", &Guards::First, EFAULT}})
          .HoldsWithout("a discard must not remove a guard"),
      // Removing gives fresh pages.
      {"remove the guards",
       [](Guards& s) { return TryAdvise(s.range, MADV_GUARD_REMOVE); },
       {{"tables", &Guards::Tables, tables},
        {"first errno", &Guards::First, 0},
        {"byte", [](Guards& s) { return CountOther(s.first, 0); }, 0}}},
      StepOf<Guards>(
          "discard all",
          [](Guards& s) { return TryAdvise(s.range, MADV_DONTNEED); },
          {{"tables", &Guards::Tables, reclaims ? upper : tables}})
          .HoldsWithout(reclaims ? "" : "no table goes before 6.14"),
      {"unmap",
       [](Guards& s) { Unmap(s.trace, s.range); },
       {{"tables", &Guards::Tables, 0_B}}}};
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}

const Register kGuardInstallNoFault{
    {.id = "pages/guard_install_no_fault",
     .summary = "guard regions build tables without a fault, and are charged",
     .claim = "Seed 0: page tables are memory that nothing shows "
              "(page_tables.guard_install_no_fault); madvise(2)",
     .functions = "madvise_guard_install, walk_page_range_mm, "
                  "guard_install_set_pte, zap_pte_range",
     .look_at = "a survivor of tables=exceed: tables are not charged",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .kernel_log = true},
     .params = {{"tables", {"fit", "exceed"}}},
     .steps = Make,
     .metrics = {Metric::Size("tables", "install guards.tables")}}};

}  // namespace
}  // namespace oomgate::pages
