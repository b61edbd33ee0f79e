// SPDX-License-Identifier: Apache-2.0
// Guard regions are marks in page tables: one call builds tables for gigabytes,
// with no fault, no memory and no commit charge, but charged to the cgroup.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/pages/tables.h"

// Since 6.13; not in the headers of every libc.
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

namespace oomgate {
namespace {

// 32 MiB of tables in a box of 64 MiB, or four times the box.
Bytes SizeOf(const Params& p) {
  return p["tables"] == "fit" ? 16_GiB : 128_GiB;
}

int Advise(const Range& range, int advice) {
  return madvise(range.start, static_cast<std::size_t>(range.size.count),
                 advice) == 0
             ? 0
             : errno;
}

// 0 where the kernel can read a byte of that page for us.
int Access(int target, const char* at) {
  return pwrite(target, at, 1, 0) == 1 ? 0 : errno;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();  // none of its own faults are counted
  const Range range = pages::MapApart(trace, SizeOf(p), PROT_READ | PROT_WRITE);
  const int target = static_cast<int>(syscall(SYS_memfd_create, "target", 0));
  Access(target, "");
  // One page has contents, which a guard takes away.
  const Range first = range.Part(0_B, kPage);
  WritePages(trace, first);
  const Bytes own = 3 * kPage;  // the tables of that page
  trace.Set("returned", 0);
  const Usage before = ReadUsage();
  const int error = Advise(range, MADV_GUARD_INSTALL);
  trace.Set("returned", 1);
  const Usage after = ReadUsage();
  trace.Set("error", error);
  trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  trace.Set("tables", after.page_tables - before.page_tables + own);
  trace.Set("rss", ReadMapping(range).rss);
  trace.Set("accounted", ReadMapping(range).accounted);
  trace.Set("mappings", ReadMapping(range).mappings);
  trace.Set("first_access", Access(target, range.start));
  trace.Set("last_access", Access(target, range.end() - 1));
  // Discarding does not remove a guard, removing gives fresh pages.
  trace.Set("dontneed", Advise(first, MADV_DONTNEED));
  trace.Set("access_dontneed", Access(target, range.start));
  trace.Set("remove_error", Advise(range, MADV_GUARD_REMOVE));
  const auto tables = [&](const char* name) {
    trace.Set(name, ReadUsage().page_tables - before.page_tables + own);
  };
  tables("tables_removed");
  trace.Set("access_removed", Access(target, range.start));
  trace.Set("byte_removed", *static_cast<volatile char*>(range.start));
  Advise(range, MADV_DONTNEED);
  tables("tables_dontneed");
  Unmap(trace, range);
  tables("tables_left");
}

Oracle Expect(const Params& p, const Facts& f) {
  const Bytes size = SizeOf(p);
  const Bytes tables = pages::TablesFor(0_B, size / kPage, kPage);
  if (f.kernel < KernelVersion{6, 13}) {  // 662df3e5c376
    return AllOf(Survives(), Count("error", Eq(EINVAL)),
                 Count("first_access", Eq(0)));
  }
  if (p["tables"] != "fit") {
    return AllOf(OomKilled(), OomVictimIsSubject(),
                 OomConstraint("CONSTRAINT_MEMCG"), Count("returned", Eq(0)),
                 OomAnonRss(Le(kOwnAnon)), OomPageTables(Ge(f.box * 97 / 100)),
                 Size("box_peak", Eq(f.box)));
  }
  // What is empty in whole is freed with its pages: 6.14 (CONFIG_PT_RECLAIM).
  const Bytes upper = tables - (size / kHugePage) * kPage;
  return AllOf(Survives(), Count("error", Eq(0)), Count("minor_faults", Eq(0)),
               Size("tables", Eq(tables)), Size("rss", Eq(0_B)),
               Size("accounted", Eq(0_B)), Count("mappings", Eq(1)),
               Count("first_access", Eq(EFAULT)),
               Count("last_access", Eq(EFAULT)), Count("dontneed", Eq(0)),
               Count("access_dontneed", Eq(EFAULT)),
               Count("remove_error", Eq(0)), Size("tables_removed", Eq(tables)),
               Count("access_removed", Eq(0)), Count("byte_removed", Eq(0)),
               Size("tables_dontneed",
                    Eq(f.kernel >= KernelVersion{6, 14} ? upper : tables)),
               Size("tables_left", Eq(0_B)));
}

const Register kGuardInstallNoFault{
    {.id = "pages/guard_install_no_fault",
     .summary = "guard regions build tables without a fault, and are charged",
     .explains = {.claim = "Seed 0: page tables are memory that nothing shows "
                           "(page_tables.guard_install_no_fault); madvise(2)",
                  .deed = "makes 16 GiB guards in one call, or 128 GiB in a "
                          "box that cannot hold their tables",
                  .functions = "madvise_guard_install, walk_page_range_mm, "
                               "guard_install_set_pte, zap_pte_range",
                  .look_at = "tables: VmPTE after the call; a survivor of the "
                             "second: tables are not charged"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .kernel_log = true},
     .params = {{"tables", {"fit", "exceed"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "tables", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
