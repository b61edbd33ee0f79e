// SPDX-License-Identifier: Apache-2.0
// vm.swappiness 0 keeps a group's anonymous memory out of swap, to the page:
// file pages go instead, and without them it is killed, however much is free.
#include "cases/memcg/disk.h"
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kAnon = 4_MiB;
constexpr Bytes kFile = 4_MiB;
constexpr Bytes kLimit = 6_MiB;  // what is left of both

struct Unswapped : Scene {
  int disk = OpenDisk(trace);
  GroupInBox group{trace, f};
  Member child{trace};

  void WriteAndRead() {
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
  void Lower() {
    group.Set(trace, "memory.max", kLimit);
    child.GoOn();
  }
  void WriteMore() { Set("status", child.Finish()); }
  Bytes FileInTheEnd() const {
    return OnceStill([&] { return Bytes{group.Field("memory.stat", "file")}; });
  }
};

Bytes Free() { return Meminfo("SwapFree"); }

Steps<Unswapped> Make(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 160 * kPage;
  constexpr Bytes kTaken = kAnon + kFile - kLimit;
  constexpr auto kGroup = &Unswapped::group;
  const auto unswapped = Is("swap", SizeIn(kGroup, "memory.swap.current"), 0_B);
  return {
      {"write 4 MiB, read 4 of a disk twice", &Unswapped::WriteAndRead,
       Soon("file", Stat(kGroup, "file"), About(f, kFile))},
      {"lower memory.max to 6 MiB", &Unswapped::Lower, Size("rss", kAnon),
       Size("swapped", 0_B), unswapped,
       Is("file", &Unswapped::FileInTheEnd, Le(kFile - kTaken + StatError(f))),
       Is("current", SizeIn(kGroup, "memory.current"), Le(kLimit)),
       Is("oom", Event(kGroup, "oom"), 0)},
      {"write 12 MiB more", &Unswapped::WriteMore, Count("status", SIGKILL),
       Written(Between(kLimit - kAnon - kOwn, kLimit - kAnon)),
       Is("kills", Event(kGroup, "oom_kill"), 1), unswapped,
       Is("free", Free, f.swap)}};
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
