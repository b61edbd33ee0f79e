// SPDX-License-Identifier: Apache-2.0
// memory.min keeps a group's pages whatever happens beside it, memory.low as
// long as there is anything else to take; nothing keeps what has neither.
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;   // of both
constexpr Bytes kKept = 3_MiB;    // what the one has
constexpr Bytes kOther = 16_MiB;  // what the other reads
constexpr Bytes kDisk = 64_MiB;

void Subject(Trace& trace, const Params& p, const Facts& f) {
  // The last to close a disk drops its pages: not the children, then.
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
  const OpenedBox box(trace, f);
  const Group top = box.Child("top");
  top.GiveToChildren(trace);
  const Group kept = top.Child(trace, "kept");
  const Group other = top.Child(trace, "other");
  top.Set(trace, "memory.max", kLimit);
  if (p["protect"] != "none") {
    kept.Set(trace, p["protect"] == "min" ? "memory.min" : "memory.low",
             kKept + 1_MiB);
  }
  Reap(StartChildIn(trace, kept, [&] { ReadDisk(trace, 0_B, kKept); }));
  trace.Set("kept.before", CachedOfDisk(trace, disk, 0_B, kKept));

  // Beside it, more file pages than there is room for.
  trace.Set("reader", Reap(StartChildIn(trace, other, [&] {
              ReadDisk(trace, kKept, kOther);
            })));
  trace.Set("kept.after_file", CachedOfDisk(trace, disk, 0_B, kKept));
  trace.Set("other.after_file", CachedOfDisk(trace, disk, kKept, kOther));
  trace.Set("low.after_file", kept.Field("memory.events", "low"));

  // Then, what cannot be reclaimed at all.
  trace.Set("hog", Reap(StartChildIn(trace, other, [&] {
              WritePages(trace, MapAnonymous(trace, 2 * kLimit));
            })));
  trace.Set("kept.after_anon", CachedOfDisk(trace, disk, 0_B, kKept));
  trace.Set("other.after_anon", CachedOfDisk(trace, disk, kKept, kOther));
  trace.Set("low.after_anon", kept.Field("memory.events", "low"));
  trace.Set("kills", other.Field("memory.events", "oom_kill"));
  trace.Set("kept.kills", kept.Field("memory.events", "oom_kill"));
  close(disk);
  kept.Remove(trace);
  other.Remove(trace);
  top.Remove(trace);
}

Oracle Expect(const Params& p, const Facts&) {
  constexpr Bytes kOwn = 96 * kPage;
  const Oracle always =
      AllOf(Survives(), Size("kept.before", Eq(kKept)), Count("reader", Eq(0)),
            Count("hog", Eq(SIGKILL)), Count("kills", Eq(1)),
            Count("kept.kills", Eq(0)));
  if (p["protect"] == "min") {
    return AllOf(always, Size("kept.after_file", Eq(kKept)),
                 Size("kept.after_anon", Eq(kKept)),
                 Count("low.after_file", Eq(0)), Count("low.after_anon", Eq(0)),
                 Size("other.after_file",
                      Between(kLimit - kKept - 1_MiB, kLimit - kKept)),
                 Written(Between(kLimit - kKept - kOwn, kLimit - kKept)));
  }
  // All of it is taken in the end.
  const Oracle taken = AllOf(always, Size("kept.after_anon", Le(kOwn)),
                             Written(Between(kLimit - 2 * kOwn, kLimit)));
  if (p["protect"] == "low") {
    return AllOf(taken, Size("kept.after_file", Eq(kKept)),
                 Count("low.after_file", Eq(0)),
                 Count("low.after_anon", Gt(0)));
  }
  // Whether so small a group is looked at at all, as long as there is enough
  // beside it, differs.
  return AllOf(taken, Count("low.after_file", Eq(0)),
               Count("low.after_anon", Eq(0)));
}

const Register kProtection{
    {.id = "memcg/protection",
     .summary = "memory.min and memory.low protect, each as far as promised",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: memory.min is "
                           "hard protection, memory.low is best effort; seed "
                           "1: observing memory",
                  .deed = "beside a group with file pages, another reads more "
                          "than both may have, then writes until it is killed",
                  .functions = "mem_cgroup_calculate_protection, "
                               "mem_cgroup_below_min, shrink_node_memcgs",
                  .look_at = "kept.* are its file pages before and after, "
                             "written is how far the writer came beside it"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .no_swap = true,
               .cgroup = 2,
               .alone = true,
               .disk = kDisk},
     .params = {{"protect", {"none", "low", "min"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "kept.after_file",
                  .better = Better::kHigher,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 6 << 20,
                  .cause = "without protection any of it may be taken"}}}};

}  // namespace
}  // namespace oomgate
