// SPDX-License-Identifier: Apache-2.0
// The huge page pool is promised at mmap and kept at the touch: a mapping that
// does not fit is ENOMEM, one without a promise is SIGBUS at its touch; no
// part of it is RSS, page tables, committed or a reason for an OOM kill.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kPool = 8;
constexpr const char* kKnob = "/proc/sys/vm/nr_hugepages";

void* Map(int pages, int flags = 0) {
  return mmap(nullptr, static_cast<std::size_t>((pages * kHugePage).count),
              PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
}

void Drop(void* at, int pages) {
  munmap(at, static_cast<std::size_t>((pages * kHugePage).count));
}

Range RangeOf(void* at, int pages) {
  return {.start = static_cast<char*>(at), .size = pages * kHugePage};
}

void Look(Trace& trace, const char* when) {
  const auto set = [&](const char* what, const char* field) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", when, what);
    trace.Set(name, FieldIn("/proc/meminfo", field));
  };
  set("total", "HugePages_Total");
  set("free", "HugePages_Free");
  set("reserved", "HugePages_Rsvd");
  set("surplus", "HugePages_Surp");
}

// Wait status of a child that touches so many pages of it.
int TouchInChild(Trace& trace, void* at, int pages, bool write) {
  return Reap(StartChild(trace, [&] {
    const Range range = RangeOf(at, pages);
    if (write) {
      WritePages(trace, range, kHugePage);
    } else {
      ReadPages(trace, range, kHugePage);
    }
  }));
}

void CopyOnWrite(Trace& trace) {
  // All of the pool is the parent's; it forks, and one of both writes.
  void* at = Map(kPool);
  WritePages(trace, RangeOf(at, kPool), kHugePage);
  Look(trace, "cow");
  trace.Set("cow.child", TouchInChild(trace, at, 1, true));
  trace.Set("cow.reader", TouchInChild(trace, at, 1, false));
  Reap(StartChild(trace, [&] {
    trace.Set("cow.child_pages", StatusField("HugetlbPages"));
    Drop(at, kPool);
    trace.Set("cow.child_dropped", StatusField("HugetlbPages"));
  }));
  Gate written(trace);
  const pid_t child = StartChild(trace, [&] {
    written.Pass();
    // The parent took this one from it; the last is still of both.
    trace.Set("cow.other", static_cast<char*>(at)[7 * kHugePage.count]);
    *static_cast<volatile char*>(at) = 2;
  });
  *static_cast<volatile char*>(at) = 3;
  trace.Set("cow.parent", *static_cast<volatile char*>(at));
  written.Open();
  trace.Set("cow.stolen", Reap(child));
  Look(trace, "cow_after");
  Drop(at, kPool);
}

// A smaller pool takes nothing of what was promised: that stays until it is
// given back, above what the pool should have.
void Shrink(Trace& trace) {
  void* at = Map(3);
  WriteKnob(trace, kKnob, "1");
  Look(trace, "shrunk");
  WritePages(trace, RangeOf(at, 3), kHugePage);
  Look(trace, "shrunk_written");
  // A larger pool has them first.
  WriteKnob(trace, kKnob, "3");
  Look(trace, "regrown");
  WriteKnob(trace, kKnob, "1");
  Drop(at, 3);
  Look(trace, "shrunk_dropped");
  WriteKnob(trace, kKnob, "8");
  Look(trace, "grown");
}

// What was promised and never touched is given back, too.
void TouchPart(Trace& trace) {
  void* at = Map(4);
  WritePages(trace, RangeOf(at, 1), kHugePage);
  Look(trace, "part");
  Drop(at, 4);
  Look(trace, "part_dropped");
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const std::int64_t kills = Vmstat("oom_kill");
  WriteKnob(trace, kKnob, "8");
  Look(trace, "made");
  Shrink(trace);
  Meminfo("Committed_AS");
  const Bytes committed = Meminfo("Committed_AS");
  const Usage before = ReadUsage();
  const Bytes rss = StatusField("VmRSS");
  void* at = Map(kPool);
  trace.Set("map_errno", at == MAP_FAILED ? errno : 0);
  Look(trace, "mapped");
  void* more = Map(1);
  trace.Set("ninth_errno", more == MAP_FAILED ? errno : 0);
  void* unpromised = Map(1, MAP_NORESERVE);
  trace.Set("noreserve_errno", unpromised == MAP_FAILED ? errno : 0);
  trace.Set("committed", Meminfo("Committed_AS") - committed);
  // Reading takes a page, there is no zero page of that kind.
  ReadPages(trace, RangeOf(at, 1), kHugePage);
  Look(trace, "read");
  trace.Set("vm_pte", ReadUsage().page_tables - before.page_tables);
  trace.Set("rss", StatusField("VmRSS") - rss);
  trace.Set("hugetlb_pages", StatusField("HugetlbPages"));
  trace.Set("range_rss", ReadMapping(RangeOf(at, kPool)).rss);
  trace.Set("private_hugetlb",
            MappingField(RangeOf(at, kPool), "Private_Hugetlb"));
  // The pool is promised to somebody else: this one gets nothing of it.
  trace.Set("unpromised", TouchInChild(trace, unpromised, 1, true));
  WritePages(trace, RangeOf(at, kPool), kHugePage);
  Look(trace, "written");
  trace.Set("exhausted", TouchInChild(trace, unpromised, 1, true));
  Drop(at, kPool);
  Look(trace, "dropped");
  trace.Set("room", TouchInChild(trace, unpromised, 1, true));
  Drop(unpromised, 1);
  TouchPart(trace);
  CopyOnWrite(trace);
  Look(trace, "left");
  WriteKnob(trace, kKnob, "0");
  Look(trace, "none");
  more = Map(1);
  trace.Set("none_errno", more == MAP_FAILED ? errno : 0);
  more = Map(1, MAP_NORESERVE);
  trace.Set("none_touch", TouchInChild(trace, more, 1, true));
  Drop(more, 1);
  trace.Set("kills", Vmstat("oom_kill") - kills);
}

Oracle Pool(const std::string& when, int total, int free, int reserved,
            int surplus = 0) {
  return AllOf(Count(when + ".total", Eq(total)),
               Count(when + ".free", Eq(free)),
               Count(when + ".reserved", Eq(reserved)),
               Count(when + ".surplus", Eq(surplus)));
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes lag = 66 * 16 * kPage * f.cpus;  // of VmRSS, up to 6.15
  return AllOf(
      Survives(), Pool("made", 8, 8, 0), Pool("shrunk", 3, 3, 3, 2),
      Pool("shrunk_written", 3, 0, 0, 2), Pool("regrown", 3, 0, 0),
      Pool("shrunk_dropped", 1, 1, 0), Pool("grown", 8, 8, 0),
      Count("map_errno", Eq(0)), Pool("mapped", 8, 8, 8),
      Count("ninth_errno", Eq(ENOMEM)), Count("noreserve_errno", Eq(0)),
      Size("committed", Eq(0_B)), Pool("read", 8, 7, 7),
      Size("vm_pte", Between(0_B, 2 * kPage)),
      Size("rss", Between(0_B - lag, lag)),
      Size("hugetlb_pages", Eq(kHugePage)), Size("range_rss", Eq(0_B)),
      Size("private_hugetlb", Eq(kHugePage)), Count("unpromised", Eq(SIGBUS)),
      Pool("written", 8, 0, 0), Count("exhausted", Eq(SIGBUS)),
      Pool("dropped", 8, 8, 0), Count("room", Eq(0)), Pool("part", 8, 7, 3),
      Pool("part_dropped", 8, 8, 0), Pool("cow", 8, 0, 0),
      // A child's copy is SIGBUS, the parent's is taken from the child.
      Count("cow.child", Eq(SIGBUS)), Count("cow.reader", Eq(0)),
      Size("cow.child_pages", Eq(kPool * kHugePage)),
      Size("cow.child_dropped", Eq(0_B)), Count("cow.parent", Eq(3)),
      Count("cow.other", Eq(1)), Count("cow.stolen", Eq(SIGBUS)),
      Pool("cow_after", 8, 0, 0), Pool("left", 8, 8, 0), Pool("none", 0, 0, 0),
      Count("none_errno", Eq(ENOMEM)), Count("none_touch", Eq(SIGBUS)),
      Count("kills", Eq(0)));
}

const Register kHugetlbReserve{
    {.id = "shm/hugetlb_reserve",
     .summary = "the huge page pool: promised at mmap, SIGBUS where not",
     .claim = "Seed 1: shm; Documentation/mm/hugetlbfs_reserv; exhaustion of "
              "the pool never invokes the OOM killer (shm.hugetlb_not_oom)",
     .deed =
         "with a pool of eight, maps and touches with and without reservation, "
         "copies on write, shrinks it below what is reserved, empties it",
     .functions = "hugetlb_reserve_pages, alloc_hugetlb_folio, hugetlb_wp, "
                  "unmap_ref_private",
     .look_at = "<step>.free and .reserved are the pool after each step; the "
                "others errno or wait status",
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Count("kills")}}};

}  // namespace
}  // namespace oomgate
