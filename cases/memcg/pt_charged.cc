// SPDX-License-Identifier: Apache-2.0
// Page tables are charged to the group that faults them in, page for page, at
// every level, told of in memory.stat, and given back by munmap.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSpan = 4_GiB;
constexpr int kFolded = 5000;

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Enter(trace);
  MapOptions options;
  options.prot = PROT_READ;
  options.align = 512_GiB;  // so that all levels below the top are new
  const Range range = MapAnonymous(trace, kSpan, options);
  const auto tables = [&] { return group.Field("memory.stat", "pagetables"); };
  // Nothing is told of a group that is new and did nothing but enter.
  const Usage before = ReadUsage();
  const std::int64_t current = group.Number("memory.current");
  const std::int64_t start = tables();
  const auto kernel = [&] { return group.Field("memory.stat", "kernel"); };
  const std::int64_t kernel_start = kernel();
  ReadPages(trace, range, kHugePage);
  trace.Set("vm_pte", ReadUsage().page_tables - before.page_tables);
  trace.Set("current", group.Number("memory.current") - current);
  const Bytes uncounted = f.kernel < KernelVersion{6, 8} ? kPage : 0_B;
  const std::int64_t expected = trace.Counter("vm_pte") - uncounted.count;
  HoldsWithin(kFolded, [&] { return tables() - start == expected; });
  trace.Set("stat", start < 0 ? -1 : tables() - start);
  trace.Set("kernel", kernel());
  trace.Set("anon", group.Field("memory.stat", "anon"));
  Unmap(trace, range);
  trace.Set("vm_pte_left", ReadUsage().page_tables - before.page_tables);
  HoldsWithin(kFolded, [&] {
    return tables() == start && kernel() - kernel_start <= (512_KiB).count &&
           group.Number("memory.current") - current <= (512_KiB).count;
  });
  trace.Set("stat_left", tables() - start);
  trace.Set("kernel_left", kernel() - kernel_start);
  trace.Set("current_left", group.Number("memory.current") - current);
  box.self().Enter(trace);
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes leaves = kPage * (kSpan / kHugePage);
  const Bytes all = leaves + kPage * (kSpan / 1_GiB) + kPage;
  const Bytes stock = 64 * f.cpus * kPage;
  // "pagetables" came with 5.11; it counts the third level since 6.8 (5.10 has
  // the second). "kernel" came with 5.18.
  Bytes told = f.kernel < KernelVersion{6, 8} ? all - kPage : all;
  if (f.kernel < KernelVersion{5, 11}) told = Bytes{-1};
  return AllOf(Survives(), Size("vm_pte", Eq(all)), Size("stat", Eq(told)),
               Size("current", Between(all - stock, all + stock)),
               f.kernel < KernelVersion{5, 18} ? Size("kernel", Eq(Bytes{-1}))
                                               : Size("kernel", Ge(all)),
               Size("vm_pte_left", Eq(0_B)), Size("stat_left", Eq(0_B)),
               Size("kernel_left", Le(512_KiB)),
               Size("current_left", Le(512_KiB)));
}

const Register kPtCharged{
    {.id = "memcg/pt_charged",
     .summary = "page tables are charged to the cgroup, and told of, exactly",
     .explains = {.claim = "Seed 0: tables are whole pages, of four levels; "
                           "they are what its sparse reader dies of",
                  .deed = "in a group of its own, reads one byte in every 2 "
                          "MiB of 4 GiB, then unmaps all",
                  .functions = "pte_alloc_one, __pud_alloc, "
                               "mod_lruvec_page_state(NR_PAGETABLE)",
                  .look_at = "current below vm_pte says that tables are not "
                             "charged (GFP_PGTABLE_USER); stat, that they are "
                             "not counted"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "stat", .unit = "bytes"},
                 {.name = "current",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 64 * 4096,
                  .cause = "the CPU's charge batch"}}}};

}  // namespace
}  // namespace oomgate
