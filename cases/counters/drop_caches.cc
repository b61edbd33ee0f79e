// SPDX-License-Identifier: Apache-2.0
// drop_caches drops what can be had again: clean file pages (1), dentries and
// inodes that nobody uses (2); not what is dirty, shared memory, or anonymous.
#include <dirent.h>

#include "cases/counters/readings.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kClean = 8_MiB;
constexpr Bytes kDirty = 2_MiB;  // behind it
constexpr Bytes kShared = 2_MiB;
constexpr int kTimes = 3;
constexpr std::int64_t kMany = 1'000'000;
constexpr std::int64_t kUnused = 100;  // dentries, at least

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

struct Caches : Scene {
  int disk = Must(trace, "open of the scratch disk",
                  open(kScratchDisk, O_RDWR | O_CLOEXEC));
  int memfd = MakeMemfd(trace, kShared);
  Range anonymous = MapAnonymous(trace, kShared);

  Range MapShared() const {
    return MapFile(trace, memfd, kShared, PROT_READ | PROT_WRITE, MAP_SHARED);
  }
  void Fill() const {
    // What another CPU has just read waits there, and cannot be dropped.
    RunOnCpu(trace, 0);
    // What is mapped is never dropped: it is in the file alone.
    const Range shared = MapShared();
    WritePages(trace, shared);
    Unmap(trace, shared);
    WritePages(trace, anonymous);
    ReadDisk(trace, 0_B, kClean);
    WriteDisk(trace, disk, kClean, kDirty);
    LookAround();
  }
  void Drop() const { kVmKnobs.Set(trace, "drop_caches", p["what"][0] - '0'); }
  Bytes Clean() const { return CachedOfDisk(trace, disk, 0_B, kClean); }
  Bytes Dirty() const { return CachedOfDisk(trace, disk, kClean, kDirty); }
  Bytes Anonymous() const { return ReadMapping(anonymous).rss; }
  Bytes Shared() const {
    struct stat of = {};
    fstat(memfd, &of);
    return of.st_blocks * 512_B;
  }
  std::int64_t Other() const {
    const Range shared = MapShared();
    const std::int64_t other = CountOther(shared, 1) + CountOther(anonymous, 1);
    Unmap(trace, shared);
    return other;
  }
  // The second number of dentry-state: those that nobody uses.
  std::int64_t UnusedDentries() const {
    FILE* const file = std::fopen("/proc/sys/fs/dentry-state", "re");
    long unused = 0;
    if (file == nullptr || std::fscanf(file, "%*d %ld", &unused) != 1) {
      trace.Stop("/proc/sys/fs/dentry-state", errno);
    }
    std::fclose(file);
    return unused;
  }
};

// How often the kernel says that it was done.
Row<Caches> Told(int pagecache, int slab) {
  return Rows<Caches>{
      Change("drop_pagecache", InVmstat("drop_pagecache"), pagecache),
      Change("drop_slab", InVmstat("drop_slab"), slab)};
}

Steps<Caches> Make(const Params& p, const Facts&) {
  const bool pages = p["what"] != "2";
  const bool slab = p["what"] != "1";
  return {
      {"fill the caches", &Caches::Fill, Is("clean", &Caches::Clean, kClean),
       Is("unused dentries", &Caches::UnusedDentries, Ge(kUnused))},
      // What was used since the last look is only noted the first time.
      {"write to drop_caches three times",
       [](Caches& c) {
         for (int i = 0; i < kTimes; ++i) c.Drop();
       },
       Change("unused dentries", &Caches::UnusedDentries,
              slab ? Between(-kMany, -kUnused / 2)
                   : Between(-kUnused / 10, kMany)),
       Is("clean", &Caches::Clean, pages ? 0_B : kClean),
       Is("dirty", &Caches::Dirty, kDirty),
       Is("shared", &Caches::Shared, kShared),
       Is("anonymous", &Caches::Anonymous, kShared),
       Is("other bytes", &Caches::Other, 0),
       Told(pages ? kTimes : 0, slab ? kTimes : 0)},
      {"sync", [](Caches& c) { return ErrnoOf(fsync(c.disk)); },
       Is("dirty", &Caches::Dirty, kDirty),
       Change("nr_written", FoldedInVmstat("nr_written"), Ge(kDirty / kPage))},
      // Written back, it is clean.
      {"write to drop_caches again", &Caches::Drop,
       Is("dirty", &Caches::Dirty, pages ? 0_B : kDirty),
       Told(pages ? 1 : 0, slab ? 1 : 0)},
  };
}

const Register kDropCaches{
    {.id = "counters/drop_caches",
     .summary = "drop_caches drops what is clean and unused, and nothing else",
     .claim = "Seed 1: page cache, memory observation; admin-guide/sysctl/vm: "
              "drop_caches",
     .functions = "drop_caches_sysctl_handler, drop_pagecache_sb, "
                  "invalidate_mapping_pages, drop_slab",
     .blast = Blast::kMachine,
     .needs = {.disk = 64_MiB, .settings = {NoWriteback()}},
     .params = {{"what", {"1", "2", "3"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
