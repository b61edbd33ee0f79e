// SPDX-License-Identifier: Apache-2.0
// A hugetlbfs mount has at least min_size of the pool for as long as it is
// mounted, and never more than its size: both come back with the unmount.
#include "cases/shm/file.h"
#include "cases/shm/huge_pool.h"

namespace oomgate::shm {
namespace {

constexpr int kLeast = 2;
constexpr int kMost = 3;

struct Mounted : Scene {
  int file = -1;
  Range others = {};

  void Open() { file = OpenFile(trace); }
  void MapOthers() { others = MapOfPool(trace, 2); }
  int End() {
    close(file);
    unlink(kPath);
    return Unmount();
  }
};

auto Allocate(int pages) {
  return [=](Mounted& s) {
    return ErrnoOf(fallocate(s.file, 0, 0, pages * kHugePage.count));
  };
}
auto MapFirst(int pages) {
  return [=](Mounted& s) {
    return TryMap(pages * kHugePage, kRw, MAP_SHARED, s.file);
  };
}
auto Punch(int page) {
  return
      [=](Mounted& s) { return TryPunch(s.file, page * kHugePage, kHugePage); };
}

// The pool's pages that are free and promised, and the mount's free blocks.
Row<Mounted> Has(int free, int promised, int blocks) {
  return Rows<Mounted>{Is("free", InPool("HugePages_Free"), free),
                       Is("promised", InPool("HugePages_Rsvd"), promised),
                       Is("blocks", FreeBlocks, blocks)};
}

Steps<Mounted> Make(const Params&, const Facts&) {
  const Row<Mounted> unmounted = Has(4, 0, -1);
  return {
      {"make a pool of 4", SetPool(4), unmounted},
      // More than there is cannot be set aside.
      {"mount with a min_size of 5",
       Mount("hugetlbfs", "pagesize=2m,min_size=10m"), Count(kErrno, Ne(0)),
       unmounted},
      {"mount with a min_size of 2, a size of 3",
       Mount("hugetlbfs", "pagesize=2m,size=6m,min_size=4m"),
       Has(4, kLeast, kMost)},
      {"make a file", &Mounted::Open, Has(4, kLeast, kMost)},
      {"allocate 2", Allocate(kLeast), Has(2, 0, 1)},
      {"allocate 3", Allocate(kMost), Has(1, 0, 0)},
      {"allocate 4", Allocate(kMost + 1), Refused(ENOSPC), Has(1, 0, 0)},
      {"map 4", MapFirst(kMost + 1), Refused(ENOMEM)},
      // What is above the least goes back to the pool, what is below stays set
      // aside.
      {"punch the third", Punch(2), Has(2, 0, 1)},
      {"punch the second", Punch(1), Has(3, 1, 2)},
      {"truncate it", [](Mounted& s) { return ErrnoOf(ftruncate(s.file, 0)); },
       Has(4, kLeast, kMost)},
      {"unmount", &Mounted::End, unmounted},

      // What the mount would have given and the pool has not does not stay
      // taken.
      {"mount with a size of 3", Mount("hugetlbfs", "pagesize=2m,size=6m"),
       Has(4, 0, kMost)},
      {"make a file again", &Mounted::Open, Has(4, 0, kMost)},
      {"map 2 of the pool", &Mounted::MapOthers, Has(4, 2, kMost)},
      {"map 3 of the mount", MapFirst(kMost), Refused(ENOMEM),
       Has(4, 2, kMost)},
      {"unmap 2 of the pool", [](Mounted& s) { return TryUnmap(s.others); },
       Has(4, 0, kMost)},
      {"unmount again", &Mounted::End, unmounted},
      {"empty the pool", SetPool(0), Has(0, 0, -1)},
  };
}

const Register kHugetlbfsSize{
    {.id = "shm/hugetlbfs_size",
     .summary =
         "hugetlbfs: min_size is set aside, size is the end, both return",
     .claim = "Documentation/admin-guide/mm/hugetlbpage: the mount options "
              "size and min_size",
     .functions = "hugepage_new_subpool, hugepage_subpool_get_pages, "
                  "hugetlb_acct_memory, unlock_or_release_subpool",
     .needs = {.alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate::shm
