// SPDX-License-Identifier: Apache-2.0
// Pages move when they are told to, all of them, with their bytes; and policies
// that cannot hold are refused.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr int kPages = 1000;
constexpr int kShared = 64;
constexpr int kTries = 5;

void Sign(const Range& range) {
  for (int i = 0; i < kPages; ++i) {
    *reinterpret_cast<volatile int*>(range.start + i * kPage.count) = i;
  }
}

int Wrong(const Range& range) {
  int wrong = 0;
  for (int i = 0; i < kPages; ++i) {
    wrong +=
        *reinterpret_cast<volatile int*>(range.start + i * kPage.count) != i;
  }
  return wrong;
}

void Moves(Trace& trace) {
  const Range range = MapAnonymous(trace, kPages * kPage);
  Sign(range);
  trace.Set("before.node0", PagesOnNode(range, 0));
  trace.Set("status", Where(range.start));
  trace.Set("told.node0", CountPages<kPages>(range, kPages, 0));
  const std::int64_t events = Vmstat("pgmigrate_success");
  // A page that somebody looks at in that moment stays: once more.
  for (int i = 0; i < kTries && PagesOnNode(range, 1) < kPages; ++i) {
    MovePages<kPages>(range, kPages, 1);
  }
  trace.Set("moved.events", Vmstat("pgmigrate_success") - events);
  trace.Set("moved", MovePages<kPages>(range, kPages, 1));
  trace.Set("moved.node1", PagesOnNode(range, 1));
  unsigned long from = kNode1;
  unsigned long to = kNode0;
  long left = -1;
  for (int i = 0; i < kTries && left != 0; ++i) {
    left = syscall(SYS_migrate_pages, 0, 64UL, &from, &to);
  }
  trace.Set("migrate.left", left);
  trace.Set("migrated.node0", PagesOnNode(range, 0));
  // Strict: what is elsewhere is an error, unless it may be moved.
  trace.Set("strict.errno",
            BindRange(range, MPOL_BIND, kNode1, MPOL_MF_STRICT));
  trace.Set("strict.node0", PagesOnNode(range, 0));
  trace.Set("strict_move.errno",
            BindRange(range, MPOL_BIND, kNode1, MPOL_MF_STRICT | MPOL_MF_MOVE));
  trace.Set("strict_move.node1", PagesOnNode(range, 1));
  trace.Set("wrong_bytes", Wrong(range));
  Unmap(trace, range);
}

// What a child maps too moves only for who may move it away from others.
void Shared(Trace& trace) {
  const Range range = MapAnonymous(trace, kShared * kPage);
  WritePages(trace, range);
  Gate done(trace);
  const pid_t child = StartChild(trace, [&] { done.Pass(); });
  trace.Set("shared.moved", MovePages<kPages>(range, kShared, 1));
  trace.Set("shared.node0", PagesOnNode(range, 0));
  for (int i = 0; i < kTries && PagesOnNode(range, 1) < kShared; ++i) {
    MovePages<kPages>(range, kShared, 1, MPOL_MF_MOVE_ALL);
  }
  trace.Set("shared_all.node1", PagesOnNode(range, 1));
  done.Open();
  Reap(child);
  Unmap(trace, range);
}

// A huge page is where it is as much as 512 small ones are.
void Huge(Trace& trace) {
  WriteKnob(trace, "/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
  MapOptions options;
  options.pages = MapOptions::kHuge;
  const Range range = MapAnonymous(trace, kHugePage, options);
  WritePages(trace, range, kHugePage);
  trace.Set("huge.size", ReadMapping(range).anon_huge);
  trace.Set("huge_strict.errno",
            BindRange(range, MPOL_BIND, kNode1, MPOL_MF_STRICT));
  trace.Set("huge_strict.node0", PagesOnNode(range, 0));
  trace.Set("huge_move.errno",
            BindRange(range, MPOL_BIND, kNode1, MPOL_MF_STRICT | MPOL_MF_MOVE));
  trace.Set("huge_move.node1", PagesOnNode(range, 1));
  Unmap(trace, range);
}

// One of three that cannot be moved keeps none of the others, and is told.
void OneStays(Trace& trace) {
  // A page that somebody looks at in that moment stays: once more, with others.
  for (int i = 0, moved = 0; i < kTries && moved != 2; ++i) {
    const Range range = MapAnonymous(trace, 3 * kPage);
    WritePages(trace, range);
    TryAdvise(range.Part(kPage, kPage), MADV_DONTNEED);
    ReadPages(trace, range);
    moved = MovePages<3>(range, 3, 1);
    trace.Set("between.moved", moved);
    trace.Set("between.node1", PagesOnNode(range, 1));
    Unmap(trace, range);
  }
}

void Errors(Trace& trace) {
  const Range range = MapAnonymous(trace, 4 * kPage);
  trace.Set("no_such_node.errno", BindRange(range, MPOL_BIND, 1UL << 5));
  trace.Set("no_node.errno", BindRange(range, MPOL_BIND, 0));
  trace.Set("no_node_all.errno", SetPolicy(MPOL_BIND, 0));
  trace.Set("no_such_mode.errno", BindRange(range, 99, kNode1));
  trace.Set("untouched.status", Where(range.start));
  ReadPages(trace, range.Part(0_B, kPage));
  trace.Set("zero_page.status", Where(range.start));
  trace.Set("guard.status", Where(range.end()));
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  RunOnCpu(trace, 0);
  Moves(trace);
  Shared(trace);
  Huge(trace);
  OneStays(trace);
  Errors(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  // Changed after 6.8 and before 6.12: what is not there is no fault.
  const int absent = f.kernel >= KernelVersion{6, 10} ? -ENOENT : -EFAULT;
  return AllOf(
      Survives(), Count("before.node0", Eq(kPages)), Count("status", Eq(0)),
      Count("told.node0", Eq(kPages)), Count("moved", Eq(kPages)),
      Count("moved.node1", Eq(kPages)), Count("moved.events", Eq(kPages)),
      Count("migrate.left", Eq(0)), Count("migrated.node0", Eq(kPages)),
      Count("strict.errno", Eq(EIO)), Count("strict.node0", Eq(kPages)),
      Count("strict_move.errno", Eq(0)), Count("strict_move.node1", Eq(kPages)),
      Count("wrong_bytes", Eq(0)), Count("shared.moved", Eq(0)),
      Count("shared.node0", Eq(kShared)),
      Count("shared_all.node1", Eq(kShared)),
      AllOf(Size("huge.size", Eq(kHugePage)),
            Count("huge_strict.errno", Eq(EIO)),
            Count("huge_strict.node0", Eq(kHugePage / kPage)),
            Count("huge_move.errno", Eq(0)),
            Count("huge_move.node1", Eq(kHugePage / kPage)),
            Count("between.moved", Eq(2)), Count("between.node1", Eq(2))),
      AllOf(Count("no_such_node.errno", Eq(EINVAL)),
            Count("no_node.errno", Eq(EINVAL)),
            Count("no_node_all.errno", Eq(EINVAL)),
            Count("no_such_mode.errno", Eq(EINVAL)),
            Count("untouched.status", Eq(absent)),
            Count("zero_page.status", Eq(-EFAULT)),
            Count("guard.status", Eq(absent))));
}

const Register kMoveMigrate{
    {.id = "numa/move_migrate",
     .summary = "pages move to the node they are told to, with their bytes",
     .explains =
         {.claim = "Seed 1 (NUMA): move_migrate and strict_errors; "
                   "move_pages(2), migrate_pages(2), mbind(2)",
          .deed = "moves 1000 signed pages to and fro by all three calls, and "
                  "asks for policies that cannot hold",
          .functions = "do_pages_move, do_migrate_pages, do_mbind",
          .look_at = "moved is what move_pages says, moved.node1 what "
                     "numa_maps says"},
     .needs = TwoNodes(),
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::numa
