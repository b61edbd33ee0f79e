// SPDX-License-Identifier: Apache-2.0
// Kernel objects are charged to the group that makes them, object by object:
// names and files in tmpfs, until they are removed; names that were looked up
// in vain, until memory.high takes them back.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr int kFiles = 2000;
constexpr int kNames = 4000;
constexpr int kManyNames = 14000;
constexpr Bytes kLimit = 2_MiB;
constexpr Bytes kNameSize = 192_B;

struct Objects : Scene {
  OwnGroup group{trace, f};
  int made = Must(trace, "mkdir", mkdir("/tmp/oomgate-slab", 0700));
  std::int64_t first_names = Names();
  std::int64_t first_inodes = Inodes();

  std::int64_t Names() const {
    return group.Field("memory.stat", "slab_reclaimable");
  }
  std::int64_t Inodes() const {
    return group.Field("memory.stat", "slab_unreclaimable");
  }
  Bytes MoreNames() const { return Bytes{Names() - first_names}; }
  Bytes MoreInodes() const { return Bytes{Inodes() - first_inodes}; }
  // Up to 64 of the objects are folded in late, or after 2 s.
  void AwaitNames(int count) const {
    HoldsWithin(5000, [&] {
      return MoreNames() >= (count - 64) * kNameSize - StatError(f);
    });
  }
  template <typename Do>
  static void EachFile(Do act) {
    char name[64];
    for (int i = 0; i < kFiles; ++i) {
      std::snprintf(name, sizeof name, "/tmp/oomgate-slab/%d", i);
      act(name);
    }
  }
  void Lookup(int from, int count) const {
    char name[64];
    struct stat ignored;
    for (int i = from; i < from + count; ++i) {
      std::snprintf(name, sizeof name, "/sys/kernel/oomgate-%d", i);
      if (stat(name, &ignored) == 0 || errno != ENOENT) {
        trace.Stop("lookup of a name", errno);
      }
    }
  }
};

void MakeFiles(Objects& s) {
  Objects::EachFile([&](const char* name) {
    close(Must(s.trace, "open of a file in tmpfs",
               open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
  });
  s.AwaitNames(kFiles);
}

Steps<Objects> Make(const Params&, const Facts& f) {
  // sysfs remembers names that are not there since 5.15 (c7e7c04274b1).
  const bool remembers = f.kernel >= KernelVersion{5, 15};
  const auto current = SizeIn(&Objects::group, "memory.current");
  // An object and the pointer to its owner: a dentry of 192, an inode of tmpfs
  // of 600 to 800 bytes.
  const Bytes error = StatError(f) / kFiles;
  const auto per_name = Between(kNameSize - error, 210_B + error);
  testing::Matcher<Bytes> at_limit = Le(kLimit);
  testing::Matcher<std::int64_t> reclaims = 0;
  if (remembers) {
    at_limit = Between(kLimit / 2, kLimit);
    reclaims = Gt(0);
  }
  return {
      {"make 2000 files in tmpfs",
       MakeFiles,
       {{"bytes a name", [](Objects& s) { return s.MoreNames() / kFiles; },
         per_name},
        {"bytes an inode", [](Objects& s) { return s.MoreInodes() / kFiles; },
         Between(600_B - error, 900_B)},
        {"current", current, Ge(kFiles * 800_B)}}},
      // Partly used slabs may still be charged.
      {"remove them",
       [] {
         Objects::EachFile([](const char* name) { unlink(name); });
         rmdir("/tmp/oomgate-slab");
       },
       {Soon("names", &Objects::MoreNames, Le(128 * kNameSize + StatError(f))),
        Soon("inodes", &Objects::MoreInodes,
             Le(512 * kNameSize + StatError(f)))}},
      {"look up 4000 names in vain",
       [remembers](Objects& s) {
         s.first_names = s.Names();
         s.Lookup(0, kNames);
         if (remembers) s.AwaitNames(kNames);
         s.Set("bytes a name", s.MoreNames() / kNames);
       },
       {remembers ? Size("bytes a name", per_name)
                  : Size("bytes a name", Le(10_B))}},
      // Not memory.max: a removed name is free only after a grace period of
      // RCU, and names that are made faster than that would be an honest kill.
      {"look up 14000 more than fit",
       [](Objects& s) {
         s.group.Set(s.trace, "memory.high", kLimit);
         s.Lookup(kNames, kManyNames);
       },
       {Soon("current", current, at_limit),
        {"high", Event(&Objects::group, "high"), reclaims}}},
  };
}

const Register kSlab{
    {.id = "memcg/slab",
     .summary = "dentries and inodes are charged, reclaimed, given back",
     .claim = "Documentation/admin-guide/cgroup-v2: dentries and inodes are "
              "charged as kernel memory; seed 1: what uses memory",
     .functions = "memcg_slab_post_alloc_hook, obj_cgroup_charge, "
                  "shrink_slab_memcg, prune_dcache_sb",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true},
     .steps = Make,
     .metrics = {
         Metric::Size("per_name", "look up 4000 names in vain.bytes a name")
             .Within(16, "the kernel's layout of a dentry")}}};

}  // namespace
}  // namespace oomgate
