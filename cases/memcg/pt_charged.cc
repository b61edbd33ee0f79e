// SPDX-License-Identifier: Apache-2.0
// Page tables are charged to the group that faults them in, page for page, at
// every level, told of in memory.stat, and given back by munmap.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kSpan = 4_GiB;

struct Tables : Scene {
  OwnGroup group{trace, f};
  // So aligned that all levels below the top are new.
  Range range =
      MapAnonymous(trace, kSpan, {.prot = PROT_READ, .align = 512_GiB});
  // Nothing is told of a group that is new and did nothing but enter.
  Bytes own_start = ReadUsage().page_tables;
  Bytes current_start{group.Number("memory.current")};
  Bytes stat_start = Stat("pagetables");
  Bytes kernel_start = Kernel();

  void Read() const { ReadPages(trace, range, kHugePage); }
  void Unmap() const { oomgate::Unmap(trace, range); }
  Bytes Stat(const char* key) const {
    return Bytes{group.Field("memory.stat", key)};
  }
  Bytes Own() const { return ReadUsage().page_tables - own_start; }
  Bytes Current() const {
    return Bytes{group.Number("memory.current")} - current_start;
  }
  // -1 where it is not there.
  Bytes Told() const {
    return stat_start < 0_B ? stat_start : Stat("pagetables") - stat_start;
  }
  Bytes Kernel() const { return Stat("kernel"); }
  Bytes MoreKernel() const { return Kernel() - kernel_start; }
};

Steps<Tables> Make(const Params&, const Facts& f) {
  const Bytes all = kPage * (kSpan / kHugePage + kSpan / 1_GiB + 1);
  // "pagetables" came with 5.11; it counts the third level since 6.8 (5.10 has
  // the second). "kernel" came with 5.18.
  const bool counts = f.kernel >= KernelVersion{5, 11};
  const Bytes told = f.kernel < KernelVersion{6, 8} ? all - kPage : all;
  const SizeIs kernel =
      f.kernel < KernelVersion{5, 18} ? Bytes{-1} : SizeIs(Ge(all));
  return {{"read a byte in each 2 MiB of 4 GiB", &Tables::Read,
           Is("VmPTE", &Tables::Own, all),
           Is("current", &Tables::Current,
              Between(all - ChargeStock(f), all + ChargeStock(f))),
           Soon("pagetables", &Tables::Told, counts ? told : Bytes{-1}),
           Soon("kernel", &Tables::Kernel, kernel)},
          {"unmap it", &Tables::Unmap, Is("VmPTE", &Tables::Own, 0_B),
           Soon("pagetables", &Tables::Told, counts ? 0_B : Bytes{-1}),
           Soon("kernel", &Tables::MoreKernel, Le(512_KiB)),
           Soon("current", &Tables::Current, Le(512_KiB))}};
}

const Register kPtCharged{
    {.id = "memcg/pt_charged",
     .summary = "page tables are charged to the cgroup, and told of, exactly",
     .claim = "Seed 0: tables are whole pages, of four levels; they are what "
              "its sparse reader dies of",
     .functions =
         "pte_alloc_one, __pud_alloc, mod_lruvec_page_state(NR_PAGETABLE)",
     .look_at = "current below VmPTE says that tables are not charged "
                "(GFP_PGTABLE_USER); pagetables, that they are not counted",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .steps = Make,
     .metrics = {
         Metric::Size("stat", "read a byte in each 2 MiB of 4 GiB.pagetables")
             .EitherWay(),
         Metric::Size("current", "read a byte in each 2 MiB of 4 GiB.current")
             .Within(64 * 4096, "the CPU's charge batch")}}};

}  // namespace
}  // namespace oomgate
