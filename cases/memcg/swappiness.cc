// SPDX-License-Identifier: Apache-2.0
// vm.swappiness 0 keeps a group's anonymous memory out of swap, to the page:
// file pages go instead, and without them it is killed, however much is free.
#include <fcntl.h>
#include <unistd.h>

#include "cases/memcg/stat.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kAnon = 4_MiB;
constexpr Bytes kFile = 4_MiB;
constexpr Bytes kLimit = 6_MiB;  // what is left of both
constexpr int kFolded = 5000;
constexpr Bytes kDisk = 64_MiB;

void Subject(Trace& trace, const Params&, const Facts& f) {
  // The last to close a disk drops its pages: not the child, then.
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  Gate done(trace);
  Gate go(trace);
  const pid_t child = StartChildIn(trace, group, [&] {
    const Range range = MapAnonymous(trace, kAnon);
    WritePages(trace, range);
    // Twice: what was read once only is taken first, whatever the setting.
    ReadDisk(trace, 0_B, kFile);
    ReadDisk(trace, 0_B, kFile);
    done.Open();
    go.Pass();
    trace.Set("rss", ReadMapping(range).rss);
    trace.Set("swapped", ReadMapping(range).swap);
    done.Open();
    go.Pass();
    WritePages(trace, MapAnonymous(trace, 2 * kLimit));
  });
  const auto file = [&] { return group.Field("memory.stat", "file"); };
  done.Pass();
  HoldsWithin(kFolded, [&] { return Near(f, file(), kFile); });
  trace.Set("before.file", file());
  group.Set(trace, "memory.max", kLimit);
  go.Open();
  done.Pass();
  trace.Set("swap", group.Number("memory.swap.current"));
  trace.Set("file", OnceStill(file));
  trace.Set("current", group.Number("memory.current"));
  trace.Set("oom", group.Field("memory.events", "oom"));
  trace.Set("written", 0);
  go.Open();
  trace.Set("status", Reap(child));
  trace.Set("kills", group.Field("memory.events", "oom_kill"));
  trace.Set("left.swap", group.Number("memory.swap.current"));
  trace.Set("free", Meminfo("SwapFree"));
  group.Remove(trace);
  close(disk);
}

Oracle Expect(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 160 * kPage;
  constexpr Bytes kTaken = kAnon + kFile - kLimit;
  return AllOf(Survives(), Told(f, "before.file", kFile), Count("oom", Eq(0)),
               Size("current", Le(kLimit)),
               Size("file", Le(kFile - kTaken + StatError(f))),
               Size("rss", Eq(kAnon)), Size("swapped", Eq(0_B)),
               Size("swap", Eq(0_B)), Count("status", Eq(SIGKILL)),
               Count("kills", Eq(1)), Size("left.swap", Eq(0_B)),
               Size("free", Eq(f.swap)),
               Written(Between(kLimit - kAnon - kOwn, kLimit - kAnon)));
}

const Register kSwappiness{
    {.id = "memcg/swappiness",
     .summary = "swappiness 0 swaps nothing of a group: it is killed",
     .explains = {.claim = "Documentation/admin-guide/sysctl/vm: swappiness; "
                           "seed 1: swap",
                  .deed = "has as much anonymous memory in a group as file "
                          "pages that it read twice; its limit is lowered; "
                          "then it writes more than there is room for",
                  .functions = "get_scan_count, get_swappiness, "
                               "mem_cgroup_swappiness",
                  .look_at = "swap and file are what the lower limit left; "
                             "left.swap, what was swapped to live on"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .alone = true,
               .disk = kDisk,
               .settings = {{"/proc/sys/vm/swappiness", "0"}},
               .box = {{"memory.swap.max", "max"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
