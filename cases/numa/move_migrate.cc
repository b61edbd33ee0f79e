// SPDX-License-Identifier: Apache-2.0
// Pages move when they are told to, all of them, with their bytes; and policies
// that cannot hold are refused.
#include "cases/numa/policy.h"
#include "oomgate/numbered_pages.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 1000;
constexpr std::int64_t kShared = 64;
constexpr std::int64_t kInHuge = kHugePage / kPage;

struct Moving : Placing {
  Gate done{trace};
  pid_t child = 0;

  int Bind(unsigned flags) const {
    return BindRange(range, MPOL_BIND, kNode1, flags);
  }
  int BindStrictly() const { return Bind(MPOL_MF_STRICT); }
  int BindAndMove() const { return Bind(MPOL_MF_STRICT | MPOL_MF_MOVE); }
  void Write(Bytes size) {
    WritePages(trace, Renew(MapAnonymous(trace, size)));
  }
};

// One of three that cannot be moved keeps none of the others.
void MoveThree(Moving& s) {
  // A page that somebody looks at in that moment stays: once more, with others.
  int moved = 0;
  for (int tries = 5; tries > 0 && moved != 2; --tries) {
    s.Write(3 * kPage);
    Advise(s.trace, s.range.Part(kPage, kPage), MADV_DONTNEED);
    ReadPages(s.trace, s.range);
    moved = MovePages(s.range, 1);
  }
  s.Set("moved", moved);
}

Steps<Moving> Make(const Params&, const Facts& f) {
  // Changed after 6.8 and before 6.12: what is not there is no fault.
  const int absent = f.kernel >= KernelVersion{6, 10} ? -ENOENT : -EFAULT;
  return {
      {"write numbers on CPU 0",
       [](Moving& s) {
         RunOnCpu(s.trace, 0);
         NumberPages(s.Renew(MapAnonymous(s.trace, kPages * kPage)));
       },
       {ByNode<Moving>(kPages, 0),
        {"status", [](Moving& s) { return Where(s.range.start); }, 0},
        {"statuses", [](Moving& s) { return CountPages(s.range, 0); },
         kPages}}},
      {"move_pages to node 1",
       [](Moving& s) { MoveAll(s.range, 1); },
       {Change("events", Event("pgmigrate_success"), kPages),
        {"statuses", [](Moving& s) { return MovePages(s.range, 1); }, kPages},
        ByNode<Moving>(0, kPages)}},
      {"migrate_pages to node 0",
       [](Moving& s) {
         const unsigned long from = kNode1;
         const unsigned long to = kNode0;
         long left = -1;
         for (int tries = 5; tries > 0 && left != 0; --tries) {
           left = syscall(SYS_migrate_pages, 0, 64UL, &from, &to);
         }
         s.Set("left", left);
       },
       {Count("left", 0), ByNode<Moving>(kPages, 0)}},
      // What is elsewhere is an error, unless it may be moved.
      {"bind strictly to node 1",
       &Moving::BindStrictly,
       {Refused(EIO), ByNode<Moving>(kPages, 0)}},
      {"bind strictly, and move",
       &Moving::BindAndMove,
       {ByNode<Moving>(0, kPages),
        {"wrong", [](Moving& s) { return CountMisnumbered(s.range); }, 0}}},

      {"move what a child maps too",
       [](Moving& s) {
         s.Write(kShared * kPage);
         s.child = StartChild(s.trace, [&] { s.done.Pass(); });
         s.Set("moved", MovePages(s.range, 1));
       },
       {Count("moved", 0), ByNode<Moving>(kShared, 0)}},
      {"move it away from the child",
       [](Moving& s) { MoveAll(s.range, 1, MPOL_MF_MOVE_ALL); },
       {ByNode<Moving>(0, kShared)}},

      {"write a huge page",
       [](Moving& s) {
         s.done.Open();
         Reap(s.child);
         kThpKnobs.Set(s.trace, "enabled", "madvise");
         s.Renew(
             MapAnonymous(s.trace, kHugePage, {.pages = MapOptions::kHuge}));
         WritePages(s.trace, s.range, kHugePage);
       },
       {{"huge", [](Moving& s) { return ReadMapping(s.range).anon_huge; },
         kHugePage}}},
      {"bind it strictly to node 1",
       &Moving::BindStrictly,
       {Refused(EIO), ByNode<Moving>(kInHuge, 0)}},
      {"bind it strictly, and move",
       &Moving::BindAndMove,
       {ByNode<Moving>(0, kInHuge)}},

      {"move three, one a page of zeroes",
       MoveThree,
       {Count("moved", 2), ByNode<Moving>(0, 2)}},
      {"read one of four pages",
       [](Moving& s) {
         s.Renew(MapAnonymous(s.trace, 4 * kPage));
         ReadPages(s.trace, s.range.Part(0_B, kPage));
       },
       {{"of zeroes", [](Moving& s) { return Where(s.range.start); }, -EFAULT},
        {"untouched",
         [](Moving& s) { return Where(s.range.start + kPage.count); }, absent},
        {"guard", [](Moving& s) { return Where(s.range.end()); }, absent}}},

      {"bind to a node that is not there",
       [](Moving& s) { return BindRange(s.range, MPOL_BIND, 1UL << 5); },
       {Refused(EINVAL)}},
      {"bind to no node",
       [](Moving& s) { return BindRange(s.range, MPOL_BIND, 0); },
       {Refused(EINVAL)}},
      {"bind the process to no node",
       [] { return SetPolicy(MPOL_BIND, 0); },
       {Refused(EINVAL)}},
      {"bind by no such mode",
       [](Moving& s) { return BindRange(s.range, 99, kNode1); },
       {Refused(EINVAL)}},
  };
}

const Register kMoveMigrate{
    {.id = "numa/move_migrate",
     .summary = "pages move to the node they are told to, with their bytes",
     .claim = "Seed 1 (NUMA): move_migrate and strict_errors; move_pages(2), "
              "migrate_pages(2), mbind(2)",
     .functions = "do_pages_move, do_migrate_pages, do_mbind",
     .look_at = "statuses is what move_pages says, node0 and node1 what "
                "numa_maps says",
     .needs = TwoNodes(),
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
