// SPDX-License-Identifier: Apache-2.0
// drop_caches drops what can be had again: clean file pages (1), dentries and
// inodes that nobody uses (2); not what is dirty, shared memory, or anonymous.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr const char* kKnob = "/proc/sys/vm/drop_caches";
constexpr Bytes kClean = 8_MiB;
constexpr Bytes kDirty = 2_MiB;  // behind it
constexpr Bytes kShared = 2_MiB;
constexpr int kTimes = 3;
constexpr std::int64_t kMany = 1'000'000;
constexpr std::int64_t kUnused = 100;  // dentries, at least

// The second number of dentry-state: those that nobody uses.
std::int64_t UnusedDentries(Trace& trace) {
  FILE* const file = std::fopen("/proc/sys/fs/dentry-state", "re");
  long unused = 0;
  if (file == nullptr || std::fscanf(file, "%*d %ld", &unused) != 1) {
    trace.Stop("/proc/sys/fs/dentry-state", errno);
  }
  std::fclose(file);
  return unused;
}

// Asks for files that are there, and closes what it opened: the kernel keeps
// their dentries for the next time.
void LookAround() {
  for (const char* folder :
       {"/sys/kernel/mm", "/sys/kernel/slab", "/sys/devices/system",
        "/proc/sys/vm", "/proc/sys/kernel", "/sys/module"}) {
    DIR* const at = opendir(folder);
    if (at == nullptr) continue;
    while (const dirent* entry = readdir(at)) {
      struct stat of = {};
      fstatat(dirfd(at), entry->d_name, &of, 0);
    }
    closedir(at);
  }
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const char what[] = {p["what"][0], '\0'};
  // What another CPU has just read waits there, and cannot be dropped.
  RunOnCpu(trace, 0);
  const int disk = open(kScratchDisk, O_RDWR | O_CLOEXEC);
  const int memfd = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  if (disk < 0 || memfd < 0 || ftruncate(memfd, kShared.count) != 0) {
    trace.Stop("open of the scratch disk, or a memfd", errno);
  }
  const auto map = [&] {
    return MapFile(trace, memfd, kShared, PROT_READ | PROT_WRITE, MAP_SHARED);
  };
  // What is mapped is never dropped: it is in the file alone.
  Range shared = map();
  const Range anonymous = MapAnonymous(trace, kShared);
  WritePages(trace, shared);
  Unmap(trace, shared);
  WritePages(trace, anonymous);
  ReadDisk(trace, 0_B, kClean);
  WriteDisk(trace, disk, kClean, kDirty);
  LookAround();
  const std::int64_t pagecache = Vmstat("drop_pagecache");
  const std::int64_t slab = Vmstat("drop_slab");
  trace.Set("clean.before", CachedOfDisk(trace, disk, 0_B, kClean));
  trace.Set("unused.before", UnusedDentries(trace));
  // What was used since the last look is only noted the first time.
  for (int i = 0; i < kTimes; ++i) WriteKnob(trace, kKnob, what);
  trace.Set("unused.after", UnusedDentries(trace));
  trace.Set("clean.after", CachedOfDisk(trace, disk, 0_B, kClean));
  trace.Set("dirty.after", CachedOfDisk(trace, disk, kClean, kDirty));
  struct stat of = {};
  fstat(memfd, &of);
  trace.Set("shared.after", of.st_blocks * 512_B);
  shared = map();
  trace.Set("anonymous.after", ReadMapping(anonymous).rss);
  trace.Set("other", CountOther(shared, 1) + CountOther(anonymous, 1));
  trace.Set("told.pagecache", Vmstat("drop_pagecache") - pagecache);
  trace.Set("told.slab", Vmstat("drop_slab") - slab);
  // Written back, it is clean.
  fsync(disk);
  trace.Set("written.before", CachedOfDisk(trace, disk, kClean, kDirty));
  WriteKnob(trace, kKnob, what);
  trace.Set("written.after", CachedOfDisk(trace, disk, kClean, kDirty));
  Unmap(trace, shared);
  close(memfd);
  close(disk);
}

Oracle Expect(const Params& p, const Facts&) {
  const bool pages = p["what"] != "2";
  const bool slab = p["what"] != "1";
  const Oracle kept = AllOf(
      Survives(), Size("clean.before", Eq(kClean)),
      Size("dirty.after", Eq(kDirty)), Size("shared.after", Eq(kShared)),
      Size("anonymous.after", Eq(kShared)), Count("other", Eq(0)),
      Size("written.before", Eq(kDirty)), Count("unused.before", Ge(kUnused)));
  const Oracle dropped =
      AllOf(Size("clean.after", Eq(pages ? 0_B : kClean)),
            Size("written.after", Eq(pages ? 0_B : kDirty)),
            Difference("unused.after", "unused.before",
                       slab ? Between(-kMany, -kUnused / 2)
                            : Between(-kUnused / 10, kMany)));
  return AllOf(kept, dropped, Count("told.pagecache", Eq(pages ? kTimes : 0)),
               Count("told.slab", Eq(slab ? kTimes : 0)));
}

const Register kDropCaches{
    {.id = "counters/drop_caches",
     .summary = "drop_caches drops what is clean and unused, and nothing else",
     .explains =
         {.claim = "Seed 1: page cache, memory observation; admin-guide/"
                   "sysctl/vm: drop_caches",
          .deed = "with clean and dirty pages of a disk, a memfd, anonymous "
                  "memory and dentries that nobody uses, writes 1, 2 or 3",
          .functions = "drop_caches_sysctl_handler, drop_pagecache_sb, "
                       "invalidate_mapping_pages, drop_slab",
          .look_at = "<what>.after is what is still there; told is how often "
                     "the kernel says it was done"},
     .blast = Blast::kMachine,
     .needs = {.disk = 64_MiB, .settings = {NoWriteback()}},
     .params = {{"what", {"1", "2", "3"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
