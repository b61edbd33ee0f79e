// SPDX-License-Identifier: Apache-2.0
// A hugetlbfs mount has at least min_size of the pool for as long as it is
// mounted, and never more than its size: both come back with the unmount.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kLeast = 2;
constexpr int kMost = 3;
constexpr const char* kPool = "/proc/sys/vm/nr_hugepages";
constexpr const char* kFolder = "/tmp/oomgate-hugetlbfs";
constexpr const char* kPath = "/tmp/oomgate-hugetlbfs/file";

void Look(Trace& trace, const char* when) {
  char name[48];
  std::snprintf(name, sizeof name, "%s.free", when);
  trace.Set(name, FieldIn("/proc/meminfo", "HugePages_Free"));
  std::snprintf(name, sizeof name, "%s.reserved", when);
  trace.Set(name, FieldIn("/proc/meminfo", "HugePages_Rsvd"));
  // HUGETLBFS_MAGIC
  struct statfs of = {};
  const bool mounted = statfs(kFolder, &of) == 0 && of.f_type == 0x958458f6;
  std::snprintf(name, sizeof name, "%s.blocks", when);
  trace.Set(name, mounted ? static_cast<std::int64_t>(of.f_bfree) : -1);
}

void* MapHuge(int pages, int flags, int file) {
  return mmap(nullptr, static_cast<std::size_t>((pages * kHugePage).count),
              PROT_READ | PROT_WRITE, flags, file, 0);
}

// What the mount would have given and the pool has not does not stay taken.
void RefusedByThePool(Trace& trace) {
  if (mount("none", kFolder, "hugetlbfs", 0, "pagesize=2m,size=6m") != 0) {
    trace.Stop("mount a hugetlbfs", errno);
  }
  const int file = open(kPath, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) trace.Stop("open in the hugetlbfs", errno);
  void* const others =
      MapHuge(2, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
  if (others == MAP_FAILED) trace.Stop("map two huge pages", errno);
  const void* const map = MapHuge(kMost, MAP_SHARED, file);
  trace.Set("short_errno", map == MAP_FAILED ? errno : 0);
  Look(trace, "short");
  munmap(others, static_cast<std::size_t>((2 * kHugePage).count));
  close(file);
  umount(kFolder);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  WriteKnob(trace, kPool, "4");
  mkdir(kFolder, 0700);
  Look(trace, "made");
  const auto try_mount = [](const char* options) {
    return mount("none", kFolder, "hugetlbfs", 0, options) == 0 ? 0 : errno;
  };
  // More than there is cannot be set aside.
  trace.Set("greedy_errno", try_mount("pagesize=2m,min_size=10m"));
  Look(trace, "refused");
  trace.Set("mount_errno", try_mount("pagesize=2m,size=6m,min_size=4m"));
  Look(trace, "mounted");
  const int file = open(kPath, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) trace.Stop("open in the hugetlbfs", errno);
  const auto allocate = [&](int pages) {
    const off_t length = pages * kHugePage.count;
    return fallocate(file, 0, 0, length) == 0 ? 0 : errno;
  };
  trace.Set("least_errno", allocate(kLeast));
  Look(trace, "least");
  trace.Set("most_errno", allocate(kMost));
  Look(trace, "most");
  trace.Set("beyond_errno", allocate(kMost + 1));
  Look(trace, "beyond");
  const void* const map = MapHuge(kMost + 1, MAP_SHARED, file);
  trace.Set("map_errno", map == MAP_FAILED ? errno : 0);
  // What is above the least goes back to the pool, what is below stays set
  // aside.
  const auto punch = [&](int page) {
    return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                     page * kHugePage.count, kHugePage.count) == 0
               ? 0
               : errno;
  };
  trace.Set("punch_errno", punch(2));
  Look(trace, "punched");
  trace.Set("punch_more_errno", punch(1));
  Look(trace, "punched_more");
  trace.Set("truncate_errno", ftruncate(file, 0) == 0 ? 0 : errno);
  Look(trace, "truncated");
  close(file);
  unlink(kPath);
  trace.Set("umount_errno", umount(kFolder) == 0 ? 0 : errno);
  Look(trace, "unmounted");
  RefusedByThePool(trace);
  rmdir(kFolder);
  WriteKnob(trace, kPool, "0");
  Look(trace, "none");
}

// The pool's pages that are free and promised, and the mount's free blocks.
Oracle Pool(const std::string& when, int free, int reserved, int blocks) {
  return AllOf(Count(when + ".free", Eq(free)),
               Count(when + ".reserved", Eq(reserved)),
               Count(when + ".blocks", Eq(blocks)));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), Pool("made", 4, 0, -1), Count("greedy_errno", Ne(0)),
      Pool("refused", 4, 0, -1), Count("mount_errno", Eq(0)),
      Pool("mounted", 4, kLeast, kMost), Count("least_errno", Eq(0)),
      Pool("least", 2, 0, 1), Count("most_errno", Eq(0)), Pool("most", 1, 0, 0),
      Count("beyond_errno", Eq(ENOSPC)), Pool("beyond", 1, 0, 0),
      Count("punch_errno", Eq(0)), Pool("punched", 2, 0, 1),
      Count("punch_more_errno", Eq(0)), Pool("punched_more", 3, 1, 2),
      Count("map_errno", Eq(ENOMEM)), Count("truncate_errno", Eq(0)),
      Pool("truncated", 4, kLeast, kMost), Count("umount_errno", Eq(0)),
      Pool("unmounted", 4, 0, -1), Count("short_errno", Eq(ENOMEM)),
      Pool("short", 4, 2, kMost), Pool("none", 0, 0, -1));
}

const Register kHugetlbfsSize{
    {.id = "shm/hugetlbfs_size",
     .summary =
         "hugetlbfs: min_size is set aside, size is the end, both return",
     .claim = "Documentation/admin-guide/mm/hugetlbpage: the mount options "
              "size and min_size",
     .deed = "mounts with a pool of four pages, fills the mount page by page, "
             "empties it, unmounts; maps more than others leave of the pool",
     .functions = "hugepage_new_subpool, hugepage_subpool_get_pages, "
                  "hugetlb_acct_memory, unlock_or_release_subpool",
     .look_at = "<step>.free and .reserved are the pool, .blocks the mount's "
                "free pages after each step",
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
