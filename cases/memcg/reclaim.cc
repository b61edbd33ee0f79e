// SPDX-License-Identifier: Apache-2.0
// memory.reclaim takes at least what it is asked for, or says that it could
// not; what cannot be reclaimed, it leaves; it is no event, and nobody dies.
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kFile = 8_MiB;
constexpr Bytes kAnon = 2_MiB;
constexpr Bytes kAsked = 2_MiB;
constexpr Bytes kDisk = 64_MiB;

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  Gate ready(trace);
  const pid_t holder = StartChildIn(trace, group, [&] {
    WritePages(trace, MapAnonymous(trace, kAnon));
    // The last to close a disk drops its pages: it stays open.
    const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
    posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
    ReadDisk(trace, 0_B, kFile);
    ready.Open();
    WaitForever();
  });
  ready.Pass();
  const auto current = [&] { return group.Number("memory.current"); };
  const std::int64_t start = current();
  trace.Set("start", start);
  trace.Set("errno", group.Write("memory.reclaim", kAsked));
  trace.Set("taken", start - current());
  trace.Set("words_errno", group.Write("memory.reclaim", "much"));
  trace.Set("all_errno", group.Write("memory.reclaim", 2 * (kFile + kAnon)));
  trace.Set("left", current());
  trace.Set("empty_errno", group.Write("memory.reclaim", kAsked));
  const auto stat = [&](const char* key) {
    return group.Field("memory.stat", key);
  };
  HoldsWithin(5000, [&] { return stat("file") == 0; });
  trace.Set("file", stat("file"));
  trace.Set("anon", stat("anon"));
  std::int64_t events = 0;
  for (const char* event : {"low", "high", "max", "oom", "oom_kill"}) {
    events += group.Field("memory.events", event);
  }
  trace.Set("events", events);
  trace.Set("holder", kill(holder, 0));
  EndChild(holder);
  group.Remove(trace);
}

std::string Probe(const Params&, const Facts& f) {
  return f.kernel < KernelVersion{5, 19} ? "memory.reclaim came with 5.19" : "";
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes slack = 96 * kPage + 64 * f.cpus * kPage;
  return AllOf(
      Survives(), Size("start", Between(kFile + kAnon, kFile + kAnon + slack)),
      Count("errno", Eq(0)), Size("taken", Between(kAsked, 2 * kAsked)),
      Count("words_errno", Eq(EINVAL)), Count("all_errno", Eq(EAGAIN)),
      Size("left", Between(kAnon, kAnon + slack)),
      Count("empty_errno", Eq(EAGAIN)), Size("file", Eq(0_B)),
      Size("anon", Between(kAnon, kAnon + slack)), Count("events", Eq(0)),
      Count("holder", Eq(0)), Count("oom_kills", Eq(0)));
}

const Register kReclaim{
    {.id = "memcg/reclaim",
     .summary = "memory.reclaim takes what it is asked for, or says EAGAIN",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: "
                           "memory.reclaim; seed 1: observing memory",
                  .deed = "asks for a part of a group's file pages, for more "
                          "than there is, and for more of what is left",
                  .functions = "memory_reclaim, try_to_free_mem_cgroup_pages",
                  .look_at = "taken is what current fell by, left what could "
                             "not be reclaimed"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .no_swap = true,
               .cgroup = 2,
               .alone = true,
               .disk = kDisk},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "taken",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 2 << 20,
                  .cause = "reclaim works in batches"}}}};

}  // namespace
}  // namespace oomgate
