// SPDX-License-Identifier: Apache-2.0
// Mode 1 lifts one limit only: those of the process, of a tmpfs and of the
// huge page pool hold to the page.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr const char* kFolder = "/tmp/limited";
constexpr std::int64_t kBlocks = 64;

// The soft limit, as many pages and a half above what there is now.
void Limit(Trace& trace, int what, std::int64_t pages) {
  rlimit limit = {};
  if (getrlimit(static_cast<__rlimit_resource_t>(what), &limit) != 0) {
    trace.Stop("getrlimit", errno);
  }
  limit.rlim_cur = pages < 0 ? limit.rlim_max : Pages(pages) + 2048;
  if (setrlimit(static_cast<__rlimit_resource_t>(what), &limit) != 0) {
    trace.Stop("setrlimit", errno);
  }
}

void MeasureLimits(Trace& trace) {
  const std::int64_t mapped = NumberIn("/proc/self/statm");
  Limit(trace, RLIMIT_AS, mapped + 5000);
  trace.Set("as_rw", LargestMap(kRw, kPrivate, 1_TiB));
  trace.Set("as_r", LargestMap(PROT_READ, kPrivate, 1_TiB));
  trace.Set("as_shared", LargestMap(kRw, MAP_SHARED | MAP_ANONYMOUS, 1_TiB));
  Limit(trace, RLIMIT_AS, -1);
  const std::int64_t data = StatusField("VmData") / kPage;
  Limit(trace, RLIMIT_DATA, data + 3000);
  trace.Set("data_rw", LargestMap(kRw, kPrivate, 1_TiB));
  trace.Set("data_r_errno", TryMap(1_TiB, PROT_READ, kPrivate));
  trace.Set("data_shared_errno",
            TryMap(64_GiB, kRw, MAP_SHARED | MAP_ANONYMOUS));
  Limit(trace, RLIMIT_DATA, -1);
}

void MeasureTmpfs(Trace& trace) {
  if ((mkdir(kFolder, 0700) != 0 && errno != EEXIST) ||
      mount("tmpfs", kFolder, "tmpfs", 0, "size=256k") != 0) {
    trace.Stop("mount of a tmpfs", errno);
  }
  const int fd = open(kFolder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) trace.Stop("open of a file in the tmpfs", errno);
  void* zeroes = mmap(nullptr, Pages(2 * kBlocks), PROT_READ, kPrivate, -1, 0);
  const std::int64_t before = CommittedPages();
  trace.Set("tmpfs_written", pwrite(fd, zeroes, Pages(2 * kBlocks), 0));
  trace.Set("tmpfs_charged", CommittedPages() - before);
  trace.Set("tmpfs_write_errno",
            pwrite(fd, zeroes, 1, static_cast<off_t>(Pages(kBlocks))) < 0
                ? errno
                : 0);
  trace.Set("tmpfs_fallocate_errno",
            fallocate(fd, 0, static_cast<off_t>(Pages(kBlocks)), 4096) == 0
                ? 0
                : errno);
  if (ftruncate(fd, static_cast<off_t>(Pages(kBlocks + 1))) != 0) {
    trace.Stop("ftruncate", errno);
  }
  void* at = mmap(nullptr, Pages(kBlocks + 1), kRw, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of the file", errno);
  char* const last = static_cast<char*>(at) + Pages(kBlocks);
  trace.Set("tmpfs_signal", SignalOf(trace, [last] {
              *static_cast<volatile char*>(last) = 1;
            }));
  trace.Set("tmpfs_refused_charged", CommittedPages() - before - kBlocks);
  munmap(at, Pages(kBlocks + 1));
  munmap(zeroes, Pages(2 * kBlocks));
  close(fd);
  trace.Set("tmpfs_left", CommittedPages() - before);
  umount(kFolder);
  rmdir(kFolder);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  GrowStack<256 << 10>();
  const std::int64_t before = CommittedPages();
  MeasureLimits(trace);
  trace.Set("huge_errno", TryMap(kHugePage, kRw, kPrivate | MAP_HUGETLB));
  MeasureTmpfs(trace);
  trace.Set("committed_left", CommittedPages() - before);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      AllOf(Survives(), Size("as_rw", Eq(5000 * kPage)),
            Size("as_r", Eq(5000 * kPage)), Size("as_shared", Eq(5000 * kPage)),
            Size("data_rw", Eq(3000 * kPage)), Count("data_r_errno", Eq(0)),
            Count("data_shared_errno", Eq(0)), Count("huge_errno", Eq(ENOMEM))),
      Size("tmpfs_written", Eq(kBlocks * kPage)),
      Count("tmpfs_charged", Eq(kBlocks)),
      Count("tmpfs_write_errno", Eq(ENOSPC)),
      Count("tmpfs_fallocate_errno", Eq(ENOSPC)),
      Count("tmpfs_signal", Eq(SIGBUS)), Count("tmpfs_refused_charged", Eq(0)),
      Count("tmpfs_left", Eq(0)), Count("committed_left", Eq(0)));
}

const Register kAlwaysStillEnforced{
    {.id = "overcommit/always_still_enforced",
     .summary = "mode 1: RLIMIT_AS, RLIMIT_DATA, tmpfs and huge pages limit on",
     .explains = {.claim = "Seed 2: mode 1 \"always\"; it is about commit only",
                  .deed = "bisects the largest mapping below RLIMIT_AS and "
                          "RLIMIT_DATA; fills a tmpfs of 64 pages; maps a huge "
                          "page of an empty pool",
                  .functions = "may_expand_vm, shmem_inode_acct_block, "
                               "hugetlb_reserve_pages",
                  .look_at = "as_… and data_… are sizes to the page"},
     .needs = {.alone = true, .settings = {{kMode, "1"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
