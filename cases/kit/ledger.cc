// SPDX-License-Identifier: Apache-2.0
// What must come back. Where the kernel counts in two ways, the difference of
// both is an entry: it does not change with what the judge itself uses.
#include "cases/kit/ledger.h"

#include <poll.h>
#include <sched.h>

#include <algorithm>

#include "oomgate/usage.h"

namespace oomgate {
namespace {

constexpr int kLook = 5;  // milliseconds
// Slab, lists and tables that the kernel keeps for the next one: seen up to
// 0.2 MiB over a run of all cases.
constexpr Bytes kKernelCaches = 1_MiB;
// mm/swap_slots.c: each CPU keeps up to 64 slots to give and 64 to free.
constexpr Bytes kSwapSlots = 128 * kPage;
// memcontrol.c: MEMCG_CHARGE_BATCH pages a CPU, and kernel objects that are
// charged to the box and outlive its processes.
constexpr Bytes kStock = 64 * kPage;
constexpr Bytes kLeftInBox = 512_KiB;
// Since 6.16 PageTables holds the kernel's own tables too: those of vmalloc,
// where kernel stacks are, come one by one and stay.
constexpr Bytes kKernelTables = 16 * kPage;
// Before, it held those of the kernel's own that point to tables: one comes
// with the first chunk of per-CPU memory, far up in vmalloc space.
constexpr Bytes kPerCpuTable = kPage;

Bytes HugePagesTaken() {
  const std::int64_t pages = FieldIn("/proc/meminfo", "HugePages_Total") -
                             FieldIn("/proc/meminfo", "HugePages_Free") +
                             FieldIn("/proc/meminfo", "HugePages_Rsvd");
  return pages * kHugePage;
}

// RAM that no counter of the kernel's explains.
Bytes Unexplained() {
  // Pages on the CPUs' own lists are neither free nor used.
  Bytes known = PerCpuPages();
  for (const char* field :
       {"MemFree", "Buffers", "Cached", "SwapCached", "AnonPages", "Slab",
        "KernelStack", "PageTables", "SecPageTables", "Percpu", "VmallocUsed",
        "Hugetlb"}) {
    const Bytes size = Meminfo(field);
    if (size > 0_B) known += size;  // some kernels do not have it
  }
  // What is in zram, with the holes between.
  known += std::max<std::int64_t>(Vmstat("nr_zspages"), 0) * kPage;
  return Meminfo("MemTotal") - known;
}

// An idle CPU keeps the address space that it ran last, if only its top table,
// which PageTables counts since 6.16: makes each run this one.
void VisitCpus() {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) {
    return;
  }
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
  }
  sched_setaffinity(0, sizeof all, &all);
}

Bytes UnexplainedTolerance() {
  // The huge zero page is counted nowhere, and stays until RAM gets scarce.
  const bool huge_zero = Vmstat("thp_zero_page_alloc") > 0;
  return kKernelCaches + (huge_zero ? kHugePage : 0_B);
}

}  // namespace

Ledger::Ledger(const BoxView& box, const Facts& facts)
    : box_(box), facts_(facts), percpu_(Meminfo("Percpu")) {
  Read(before_);  // so that reading itself needs no more pages
  Read(before_);
}

Bytes Ledger::TablesTolerance() const {
  if (facts_.kernel >= KernelVersion{6, 16}) return kKernelTables;
  return Meminfo("Percpu") > percpu_ ? kPerCpuTable : 0_B;
}

void Ledger::Read(Entry (&entries)[kEntries]) const {
  VisitCpus();
  const AllUsage all = ReadAllUsage();
  RefreshVmstat();
  const Bytes shmem = Meminfo("Shmem");
  // Before 5.9 Committed_AS was read with an error of its batches.
  const bool exact = facts_.kernel >= KernelVersion{5, 9};
  int i = 0;
  entries[i++] = {"Committed_AS beyond what is mapped",
                  exact ? Meminfo("Committed_AS") - all.accounted : 0_B, 0_B};
  // Files in memory that were there before may be swapped out now.
  const Bytes swapped = Meminfo("SwapTotal") - Meminfo("SwapFree");
  entries[i++] = {"Shmem and swap in use", shmem + swapped,
                  Meminfo("SwapTotal") > 0_B ? facts_.cpus * kSwapSlots : 0_B};
  entries[i++] = {"AnonPages beyond what is mapped",
                  Meminfo("AnonPages") - all.anonymous, 0_B};
  entries[i++] = {"PageTables beyond those of processes",
                  Meminfo("PageTables") - all.page_tables, TablesTolerance()};
  entries[i++] = {"huge pages reserved or in use", HugePagesTaken(), 0_B};
  entries[i++] = {"RAM that nothing explains", Unexplained(),
                  UnexplainedTolerance()};
  entries[i++] = {"charge of the box", box_.Charge(),
                  kLeftInBox + facts_.cpus * kStock};
}

std::vector<std::string> Ledger::WhatLeaked(
    std::chrono::milliseconds deadline) const {
  const auto until = std::chrono::steady_clock::now() + deadline;
  std::vector<std::string> leaked;
  for (;;) {
    Entry now[kEntries];
    Read(now);
    leaked.clear();
    for (int i = 0; i < kEntries; ++i) {
      const Bytes more = now[i].value - before_[i].value;
      // Less than before is as wrong where nothing excuses it.
      if (more <= now[i].tolerance && (more >= 0_B || now[i].tolerance > 0_B)) {
        continue;
      }
      leaked.push_back(std::string(now[i].name) + (more > 0_B ? " +" : " ") +
                       std::to_string(more / 1_KiB) + " kB");
    }
    if (leaked.empty() || std::chrono::steady_clock::now() > until) break;
    poll(nullptr, 0, kLook);
  }
  return leaked;
}

}  // namespace oomgate
