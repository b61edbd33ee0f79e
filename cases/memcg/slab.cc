// SPDX-License-Identifier: Apache-2.0
// Kernel objects are charged to the group that makes them, object by object:
// names and files in tmpfs, until they are removed; names that were looked up
// in vain, until memory.high takes them back.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cases/memcg/stat.h"
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kFiles = 2000;
constexpr int kNames = 4000;
constexpr int kManyNames = 14000;
constexpr Bytes kLimit = 2_MiB;
constexpr int kFolded = 5000;
constexpr Bytes kNameSize = 192_B;

// Of removed files, what may still be charged: partly used slabs.
Bytes MostNamesLeft(const Facts& f) { return 128 * kNameSize + StatError(f); }
Bytes MostInodesLeft(const Facts& f) { return 512 * kNameSize + StatError(f); }

void FileName(char (&name)[64], int i) {
  std::snprintf(name, sizeof name, "/tmp/oomgate-slab/%d", i);
}

void Lookup(Trace& trace, int from, int count) {
  char name[64];
  struct stat ignored;
  for (int i = from; i < from + count; ++i) {
    std::snprintf(name, sizeof name, "/sys/kernel/oomgate-%d", i);
    if (stat(name, &ignored) == 0 || errno != ENOENT) {
      trace.Stop("lookup of a name", errno);
    }
  }
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Enter(trace);
  const auto names = [&] {
    return group.Field("memory.stat", "slab_reclaimable");
  };
  const auto inodes = [&] {
    return group.Field("memory.stat", "slab_unreclaimable");
  };
  // Up to 64 of the objects are folded in late, or after 2 s.
  const auto told = [&](std::int64_t start, int count) {
    HoldsWithin(kFolded, [&] {
      return names() - start >= ((count - 64) * kNameSize - StatError(f)).count;
    });
  };
  if (mkdir("/tmp/oomgate-slab", 0700) != 0) trace.Stop("mkdir", errno);
  const std::int64_t start = names();
  const std::int64_t start_inodes = inodes();
  char name[64];
  for (int i = 0; i < kFiles; ++i) {
    FileName(name, i);
    const int file = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) trace.Stop("open of a file in tmpfs", errno);
    close(file);
  }
  told(start, kFiles);
  trace.Set("per_file_name", (names() - start) / kFiles);
  trace.Set("per_file_inode", (inodes() - start_inodes) / kFiles);
  trace.Set("current_files", group.Number("memory.current"));
  for (int i = 0; i < kFiles; ++i) {
    FileName(name, i);
    unlink(name);
  }
  rmdir("/tmp/oomgate-slab");
  HoldsWithin(kFolded, [&] {
    return names() - start <= MostNamesLeft(f).count &&
           inodes() - start_inodes <= MostInodesLeft(f).count;
  });
  const std::int64_t without = names();
  trace.Set("unlinked_names", without - start);
  trace.Set("unlinked_inodes", inodes() - start_inodes);

  Lookup(trace, 0, kNames);
  if (f.kernel >= KernelVersion{5, 15}) told(without, kNames);
  trace.Set("per_name", (names() - without) / kNames);
  // Not memory.max: a removed name is free only after a grace period of RCU,
  // and names that are made faster than that would be an honest kill.
  group.Set(trace, "memory.high", kLimit);
  Lookup(trace, kNames, kManyNames);
  HoldsWithin(kFolded,
              [&] { return group.Number("memory.current") <= kLimit.count; });
  trace.Set("current", group.Number("memory.current"));
  trace.Set("high", group.Field("memory.events", "high"));
  box.self().Enter(trace);
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  // An object and the pointer to its owner: a dentry of 192, an inode of tmpfs
  // of 600 to 800 bytes.
  const auto per_name =
      Between(kNameSize - StatError(f) / kFiles, 210_B + StatError(f) / kFiles);
  const Oracle always = AllOf(
      Survives(), Size("per_file_name", per_name),
      Size("per_file_inode", Between(600_B - StatError(f) / kFiles, 900_B)),
      Size("current_files", Ge(kFiles * 800_B)),
      Size("unlinked_names", Le(MostNamesLeft(f))),
      Size("unlinked_inodes", Le(MostInodesLeft(f))),
      Size("current", Le(kLimit)));
  // sysfs remembers names that are not there since 5.15 (c7e7c04274b1).
  if (f.kernel < KernelVersion{5, 15}) {
    return AllOf(always, Size("per_name", Le(10_B)), Count("high", Eq(0)));
  }
  return AllOf(always, Size("per_name", per_name), Count("high", Gt(0)),
               Size("current", Ge(kLimit / 2)));
}

const Register kSlab{
    {.id = "memcg/slab",
     .summary = "dentries and inodes are charged, reclaimed, given back",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: dentries and "
                           "inodes are charged as kernel memory; seed 1: what "
                           "uses memory",
                  .deed = "makes and removes files in tmpfs, then looks up "
                          "more names than fit into the group",
                  .functions = "memcg_slab_post_alloc_hook, obj_cgroup_charge, "
                               "shrink_slab_memcg, prune_dcache_sb",
                  .look_at = "per_* are bytes charged for each; "
                             "unlinked_* what stayed"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "per_name",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 16,
                  .cause = "the kernel's layout of a dentry"}}}};

}  // namespace
}  // namespace oomgate
