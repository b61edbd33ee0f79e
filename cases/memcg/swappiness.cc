// SPDX-License-Identifier: Apache-2.0
// vm.swappiness 0 keeps a group's anonymous memory out of swap, to the page:
// file pages go instead, and without them it is killed, however much is free.
#include "cases/memcg/groups.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kAnon = 4_MiB;
constexpr Bytes kFile = 4_MiB;
constexpr Bytes kLimit = 6_MiB;  // what is left of both

struct Unswapped : Scene {
  // The last to close a disk drops its pages: not the child, then.
  int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  GroupInBox group{trace, f};
  Member child{trace};

  void WriteAndRead() {
    posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
    child.RunToPause(group, [&] {
      const Range range = MapAnonymous(trace, kAnon);
      WritePages(trace, range);
      // Twice: what was read once only is taken first, whatever the setting.
      ReadDisk(trace, 0_B, kFile);
      ReadDisk(trace, 0_B, kFile);
      child.Pause();
      Set("rss", ReadMapping(range).rss);
      Set("swapped", ReadMapping(range).swap);
      child.Pause();
      WritePages(trace, MapAnonymous(trace, 2 * kLimit));
    });
  }
  Bytes File() const { return Bytes{group.Field("memory.stat", "file")}; }
  Bytes FileInTheEnd() const {
    return OnceStill([&] { return File(); });
  }
};

Steps<Unswapped> Make(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 160 * kPage;
  constexpr Bytes kTaken = kAnon + kFile - kLimit;
  const auto swap = SizeIn(&Unswapped::group, "memory.swap.current");
  return {
      {"write 4 MiB, read 4 of a disk twice",
       &Unswapped::WriteAndRead,
       {Soon("file", &Unswapped::File, About(f, kFile))}},
      {"lower memory.max to 6 MiB",
       [](Unswapped& s) {
         s.group.Set(s.trace, "memory.max", kLimit);
         s.child.GoOn();
       },
       {Size("rss", kAnon),
        Size("swapped", 0_B),
        {"swap", swap, 0_B},
        {"file", &Unswapped::FileInTheEnd, Le(kFile - kTaken + StatError(f))},
        {"current", SizeIn(&Unswapped::group, "memory.current"), Le(kLimit)},
        {"oom", Event(&Unswapped::group, "oom"), 0}}},
      {"write 12 MiB more",
       [](Unswapped& s) { s.Set("status", s.child.Finish()); },
       {Count("status", SIGKILL),
        Written(Between(kLimit - kAnon - kOwn, kLimit - kAnon)),
        {"kills", Event(&Unswapped::group, "oom_kill"), 1},
        {"swap", swap, 0_B},
        {"free", [] { return Meminfo("SwapFree"); }, f.swap}}},
  };
}

const Register kSwappiness{
    {.id = "memcg/swappiness",
     .summary = "swappiness 0 swaps nothing of a group: it is killed",
     .claim = "Documentation/admin-guide/sysctl/vm: swappiness; seed 1: swap",
     .functions = "get_scan_count, get_swappiness, mem_cgroup_swappiness",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .alone = true,
               .disk = 64_MiB,
               .settings = {{"/proc/sys/vm/swappiness", "0"}},
               .box = {{"memory.swap.max", "max"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
