// SPDX-License-Identifier: Apache-2.0
// Reading 100 GiB page by page takes 26,214,400 minor faults and 200 MiB of
// page tables, all of it counted for the process and charged to its cgroup.
#include <poll.h>

#include <cstdio>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr Bytes kPiece = 128_MiB;

std::int64_t BoxStat(const Facts& f, const char* key) {
  char path[256];
  std::snprintf(path, sizeof path, "%s/memory.stat", f.box_folder.c_str());
  return FieldIn(path, key);
}

Bytes BoxUsage(const Facts& f) {
  char path[256];
  std::snprintf(path, sizeof path, "%s/%s", f.box_folder.c_str(),
                f.cgroup == 1 ? "memory.usage_in_bytes" : "memory.current");
  return Bytes{NumberIn(path)};
}

// memory.stat is flushed every two seconds since 5.15.
std::int64_t RisesTo(const Facts& f, const char* key, std::int64_t goal) {
  std::int64_t value = BoxStat(f, key);
  for (int i = 0; value < goal && i < 500; ++i) {
    poll(nullptr, 0, 10);
    value = BoxStat(f, key);
  }
  return value;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const Range range = pages::MapApart(trace, p.Size("size"), PROT_NONE);
  // As the seed does it: pieces that neighbour each other, from above.
  for (Bytes at = p.Size("size"); at > 0_B; at = at - kPiece) {
    const Range piece = range.Part(at - kPiece, kPiece);
    if (mmap(piece.start, static_cast<std::size_t>(piece.size.count), PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
             0) == MAP_FAILED ||
        madvise(piece.start, static_cast<std::size_t>(piece.size.count),
                MADV_NOHUGEPAGE) != 0) {
      trace.Stop("mmap of a piece", errno);
    }
  }
  trace.Set("mappings", ReadMapping(range).mappings);
  BoxStat(f, "pgfault");
  const Bytes charged = BoxUsage(f);
  const std::int64_t box_faults = BoxStat(f, "pgfault");
  const std::int64_t box_tables = BoxStat(f, "pagetables");
  const Usage before = ReadUsage();
  ReadPages(trace, range);
  const Usage after = ReadUsage();
  const std::int64_t faults = after.minor_faults - before.minor_faults;
  const Bytes tables = after.page_tables - before.page_tables;
  trace.Set("charged", BoxUsage(f) - charged);
  trace.Set("minor_faults", faults);
  trace.Set("page_tables", tables);
  trace.Set("rss", ReadMapping(range).rss);
  trace.Set("box_faults",
            RisesTo(f, "pgfault", box_faults + faults) - box_faults);
  if (box_tables >= 0) {
    // Some kernels leave out the highest.
    RisesTo(f, "pagetables", box_tables + (tables - kPage).count);
    trace.Set("box_tables", BoxStat(f, "pagetables") - box_tables);
  }
}

Oracle Expect(const Params& p, const Facts& f) {
  const std::int64_t pages = p.Size("size") / kPage;
  const Bytes tables = pages::TablesFor(0_B, pages, kPage);
  // memcontrol.c: each CPU may hold a batch of MEMCG_CHARGE_BATCH pages.
  const Bytes stock = f.cpus * 64 * kPage;
  // What the subject itself faults in after the first look at memory.stat,
  // and what was pending then.
  constexpr std::int64_t kOther = 64;
  const Oracle faults =
      AllOf(Survives(), Count("minor_faults", Eq(pages)),
            Count("box_faults", Between(pages, pages + kOther)),
            Size("rss", Eq(0_B)), Size("page_tables", Eq(tables)),
            Size("charged", Between(tables - stock, tables + stock)),
            Count("mappings", Eq(1)));
  // f0c0c115fb81 (5.11) counts page tables per cgroup, 6.8 the upper level too;
  // v1 does not print them.
  if (f.cgroup != 2 || f.kernel < KernelVersion{5, 11}) return faults;
  const Bytes counted =
      f.kernel >= KernelVersion{6, 8} ? tables : tables - kPage;
  // What the warm-up took may be flushed with it.
  return AllOf(faults,
               Size("box_tables", Between(counted, counted + 8 * kPage)));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["size"] == "512m") return;
  instance.suite = Suite::kNightly;
  instance.timeout_seconds = 60;
  if (p["size"] != "100g") return;
  instance.needs.memory = 256_MiB;
  instance.timeout_seconds = 1800;
}

const Register kSeed100gMinflt{
    {.id = "pages/seed_100g_minflt",
     .summary = "a minor fault for every page read, 26,214,400 for 100 GiB",
     .explains = {.claim = "Seed 0: 26,214,400 minor faults for 100 GB, and "
                           "what its tables cost (zero_page.seed_100g_minflt)",
                  .deed = "maps pieces of 128 MiB, reads every page",
                  .functions = "mm_account_fault, count_memcg_event_mm, "
                               "mm_inc_nr_ptes, pgtable_pte_page_ctor",
                  .look_at = "fewer faults: the kernel maps several zero pages "
                             "at once; charged: whether tables are accounted"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB},
     .adjust = Adjust,
     .params = {{"size", {"512m", "2g", "100g"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "minor_faults", .better = Better::kLower},
         {.name = "page_tables", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
