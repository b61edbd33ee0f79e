// SPDX-License-Identifier: Apache-2.0
// A tmpfs has its size to the page and its inodes to the last: a write beyond
// is short, then ENOSPC; a touch beyond is SIGBUS, and a read of a hole too.
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

constexpr Bytes kLimit = 2_MiB;
constexpr Bytes kFile = 4_MiB;
constexpr int kInodes = 16;  // the root is one of them
constexpr const char* kFolder = "/tmp/oomgate-limited";
constexpr const char* kPath = "/tmp/oomgate-limited/file";
constexpr const char* kLink = "/tmp/oomgate-limited/link";

int Open(Trace& trace) {
  const int file = open(kPath, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) trace.Stop("open of a file in the tmpfs", errno);
  return file;
}

std::int64_t FreeBlocks() {
  struct statfs of = {};
  return statfs(kFolder, &of) == 0 ? static_cast<std::int64_t>(of.f_bfree) : -1;
}

std::int64_t FreeInodes() {
  struct statfs of = {};
  return statfs(kFolder, &of) == 0 ? static_cast<std::int64_t>(of.f_ffree) : -1;
}

std::int64_t BlocksOf(int file) {
  struct stat of = {};
  return fstat(file, &of) == 0 ? of.st_blocks : -1;
}

// Touches the mapped file until it dies of it; counts "touched_<how>".
int Touch(Trace& trace, int file, bool write) {
  const auto length = static_cast<std::size_t>(kFile.count);
  return Reap(StartChild(trace, [&] {
    void* at =
        mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED) trace.Stop("mmap of the file", errno);
    const Range range{.start = static_cast<char*>(at), .size = kFile};
    std::atomic<std::int64_t>& touched =
        trace.Counter(write ? "touched_write" : "touched_read");
    for (char* page = range.start; page < range.end(); page += kPage.count) {
      if (write) {
        *static_cast<volatile char*>(page) = 1;
      } else {
        (void)*static_cast<volatile char*>(page);
      }
      ++touched;
    }
  }));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  if (mkdir(kFolder, 0700) != 0 ||
      mount("tmpfs", kFolder, "tmpfs", 0, "size=2m,nr_inodes=16") != 0) {
    trace.Stop("mount of a tmpfs", errno);
  }
  // Not static: every program of ours would be charged for it.
  const Range buffer = MapAnonymous(trace, kFile);
  trace.Set("free_at_first", FreeBlocks());
  int file = Open(trace);
  trace.Set("written_once", pwrite(file, buffer.start,
                                   static_cast<std::size_t>(kFile.count), 0));
  trace.Set("again", pwrite(file, buffer.start, 1, kLimit.count));
  trace.Set("again_errno", errno);
  trace.Set("free_full", FreeBlocks());
  trace.Set("blocks", BlocksOf(file));
  // A size is no memory; a hole is none either, until it is read in a map.
  trace.Set("truncate", ftruncate(file, kFile.count));
  trace.Set("hole", pread(file, buffer.start, kPage.count, kLimit.count));
  trace.Set("blocks_hole", BlocksOf(file));
  trace.Set("allocate", fallocate(file, 0, kLimit.count, kPage.count));
  trace.Set("allocate_errno", errno);
  // What does not fit as a whole leaves nothing behind.
  trace.Set("shorten", ftruncate(file, kLimit.count / 4));
  trace.Set("reserve", fallocate(file, 0, kLimit.count / 4, kLimit.count));
  trace.Set("reserve_errno", errno);
  trace.Set("blocks_refused", BlocksOf(file));
  trace.Set("free_refused", FreeBlocks());
  close(file);
  // A name more costs an inode's memory, and no longer than it is there.
  trace.Set("inodes_one_file", FreeInodes());
  if (link(kPath, kLink) != 0) trace.Stop("link", errno);
  trace.Set("inodes_linked", FreeInodes());
  unlink(kLink);
  trace.Set("inodes_link_gone", FreeInodes());
  unlink(kPath);
  trace.Set("free_unlinked", FreeBlocks());
  trace.Set("inodes_unlinked", FreeInodes());

  for (const bool write : {true, false}) {
    file = Open(trace);
    if (ftruncate(file, kFile.count) != 0) trace.Stop("ftruncate", errno);
    trace.Set(write ? "status_write" : "status_read",
              Touch(trace, file, write));
    trace.Set(write ? "blocks_write" : "blocks_read", BlocksOf(file));
    close(file);
    unlink(kPath);
  }
  trace.Set("free_after", FreeBlocks());

  int inodes = 0;
  char name[64];
  for (;; ++inodes) {
    std::snprintf(name, sizeof name, "%s/%d", kFolder, inodes);
    if (mknod(name, S_IFREG | 0600, 0) != 0) break;
  }
  trace.Set("inode_errno", errno);
  trace.Set("inodes", inodes);
  // A limit below what is used is refused, one above is taken.
  file = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  trace.Set("no_file_errno", file < 0 ? errno : 0);
  std::snprintf(name, sizeof name, "%s/0", kFolder);
  file = open(name, O_RDWR | O_CLOEXEC);
  trace.Set("half", pwrite(file, buffer.start,
                           static_cast<std::size_t>(kLimit.count), 0));
  close(file);
  trace.Set("shrink", mount("tmpfs", kFolder, "tmpfs", MS_REMOUNT, "size=1m"));
  trace.Set("shrink_errno", errno);
  trace.Set("grow", mount("tmpfs", kFolder, "tmpfs", MS_REMOUNT, "size=3m"));
  trace.Set("free_grown", FreeBlocks());
  // So it is with inodes.
  trace.Set("fewer",
            mount("tmpfs", kFolder, "tmpfs", MS_REMOUNT, "nr_inodes=15"));
  trace.Set("fewer_errno", errno);
  trace.Set("more",
            mount("tmpfs", kFolder, "tmpfs", MS_REMOUNT, "nr_inodes=20"));
  trace.Set("inodes_more", FreeInodes());
  if (umount(kFolder) != 0) trace.Stop("umount", errno);
  rmdir(kFolder);
}

Oracle Expect(const Params&, const Facts&) {
  const std::int64_t pages = kLimit / kPage;
  const std::int64_t sectors = kLimit / 512_B;
  return AllOf(
      Survives(), Count("free_at_first", Eq(pages)),
      Size("written_once", Eq(kLimit)), Count("again", Eq(-1)),
      Count("again_errno", Eq(ENOSPC)), Count("free_full", Eq(0)),
      Count("blocks", Eq(sectors)), Count("truncate", Eq(0)),
      Size("hole", Eq(kPage)), Count("blocks_hole", Eq(sectors)),
      Count("allocate", Eq(-1)), Count("allocate_errno", Eq(ENOSPC)),
      Count("shorten", Eq(0)), Count("reserve", Eq(-1)),
      Count("reserve_errno", Eq(ENOSPC)),
      Count("blocks_refused", Eq(sectors / 4)),
      Count("free_refused", Eq(pages - pages / 4)),
      Count("inodes_one_file", Eq(kInodes - 2)),
      Count("inodes_linked", Eq(kInodes - 3)),
      Count("inodes_link_gone", Eq(kInodes - 2)),
      Count("inodes_unlinked", Eq(kInodes - 1)),
      Count("free_unlinked", Eq(pages)), Count("status_write", Eq(SIGBUS)),
      Count("touched_write", Eq(pages)), Count("blocks_write", Eq(sectors)),
      Count("status_read", Eq(SIGBUS)), Count("touched_read", Eq(pages)),
      Count("blocks_read", Eq(sectors)), Count("free_after", Eq(pages)),
      Count("inode_errno", Eq(ENOSPC)), Count("inodes", Eq(kInodes - 1)),
      Count("no_file_errno", Eq(ENOSPC)), Size("half", Eq(kLimit)),
      Count("shrink", Eq(-1)), Count("shrink_errno", Eq(EINVAL)),
      Count("fewer", Eq(-1)), Count("fewer_errno", Eq(EINVAL)),
      Count("more", Eq(0)), Count("inodes_more", Eq(20 - kInodes)),
      Count("grow", Eq(0)), Size("free_grown", Eq(Bytes{1_MiB / kPage})));
}

const Register kTmpfsSizeLimit{
    {.id = "shm/tmpfs_size_limit",
     .summary = "tmpfs ends at its size: ENOSPC for write, SIGBUS for touch",
     .claim =
         "Seed 1: shm; Documentation/filesystems/tmpfs: size and nr_inodes",
     .deed =
         "fills a tmpfs of 2 MiB by write, by touch, and by reads of a hole, "
         "reserves more than is free; then makes files, then remounts",
     .functions = "shmem_inode_acct_block, shmem_get_folio_gfp, "
                  "shmem_reserve_inode, shmem_reconfigure",
     .look_at = "touched_* are pages before the SIGBUS; free_* the free blocks "
                "that statfs tells",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("written_once").EitherWay()}}};

}  // namespace
}  // namespace oomgate
