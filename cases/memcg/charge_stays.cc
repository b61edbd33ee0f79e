// SPDX-License-Identifier: Apache-2.0
// A page is charged where it was first touched and stays charged there: a
// process that moves takes nothing along, a group that is removed leaves its
// pages to its parent, and whoever frees them gives them back.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/memcg/stat.h"
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kAnon = 3_MiB;
constexpr Bytes kFile = 2_MiB;
constexpr Bytes kLater = 1_MiB;
constexpr int kFolded = 5000;

struct Charges {
  std::int64_t anon;
  std::int64_t shmem;
};

// Waits until memory.stat says so; what it says.
Charges Settle(const Facts& f, const Group& group, Bytes anon, Bytes shmem) {
  Charges now = {};
  HoldsWithin(kFolded, [&] {
    now = {group.Field("memory.stat", "anon"),
           group.Field("memory.stat", "shmem")};
    return Near(f, now.anon, anon) && Near(f, now.shmem, shmem);
  });
  return now;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group top = box.Child("top");
  top.GiveToChildren(trace);
  const Group first = top.Child(trace, "first");
  const Group second = top.Child(trace, "second");
  Gate written(trace);
  Gate removed(trace);
  Gate released(trace);
  Gate checked(trace);
  Gate end(trace);
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  const pid_t child = StartChildIn(trace, first, [&] {
    const Range anon = MapAnonymous(trace, kAnon);
    WritePages(trace, anon);
    if (pwrite(file, anon.start, static_cast<std::size_t>(kFile.count), 0) !=
        kFile.count) {
      trace.Stop("write to a memfd", errno);
    }
    second.Enter(trace);
    const Range later = MapAnonymous(trace, kLater);
    WritePages(trace, later);
    // Touched again, it is nobody else's.
    WritePages(trace, anon);
    if (pread(file, later.start, static_cast<std::size_t>(kLater.count), 0) !=
        kLater.count) {
      trace.Stop("read of a memfd", errno);
    }
    written.Open();
    removed.Pass();
    Unmap(trace, anon);
    released.Open();
    checked.Pass();
    end.Pass();
  });
  written.Pass();
  // Its stack and the like are a few pages more, which is why these are told
  // as what is above the known.
  HoldsWithin(kFolded, [&] {
    const Bytes error = StatError(f);
    return first.Field("memory.stat", "anon") >= (kAnon - error).count &&
           second.Field("memory.stat", "anon") >= (kLater - error).count;
  });
  trace.Set("first.anon", first.Field("memory.stat", "anon"));
  trace.Set("first.shmem", first.Field("memory.stat", "shmem"));
  trace.Set("second.anon", second.Field("memory.stat", "anon"));
  trace.Set("second.shmem", second.Field("memory.stat", "shmem"));
  trace.Set("first.populated", first.Field("cgroup.events", "populated"));
  first.Remove(trace);

  // Its parent has them now.
  const std::int64_t anon =
      trace.Counter("first.anon") + trace.Counter("second.anon");
  const Charges kept = Settle(f, top, Bytes{anon}, kFile);
  trace.Set("kept.anon", kept.anon);
  trace.Set("kept.shmem", kept.shmem);
  trace.Set("kept.current", top.Number("memory.current"));
  removed.Open();
  released.Pass();
  const Charges less = Settle(f, top, Bytes{anon} - kAnon, kFile);
  trace.Set("less.anon", less.anon);
  trace.Set("less.shmem", less.shmem);
  checked.Open();
  end.Open();
  Reap(child);
  const Charges shared = Settle(f, top, 0_B, kFile);
  trace.Set("shared.anon", shared.anon);
  trace.Set("shared.shmem", shared.shmem);
  trace.Set("shared.current", top.Number("memory.current"));
  close(file);
  const Charges left = Settle(f, top, 0_B, 0_B);
  trace.Set("left.anon", left.anon);
  trace.Set("left.shmem", left.shmem);
  const auto current = [&] { return top.Number("memory.current"); };
  HoldsWithin(kFolded, [&] { return current() <= (512_KiB).count; });
  trace.Set("left.current", current());
  const auto dying = [&] {
    return top.Field("cgroup.stat", "nr_dying_descendants");
  };
  HoldsWithin(kFolded, [&] { return dying() == 0; });
  trace.Set("left.dying", dying());
  second.Remove(trace);
  top.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  // The child's stack and data, copied when it wrote them first.
  constexpr Bytes kOwn = 32 * kPage;
  // Of its stack, on the way to its unmap.
  constexpr Bytes kMeanwhile = 4 * kPage;
  const Bytes slack = 96 * kPage + 2 * 64 * f.cpus * kPage;
  const Bytes error = StatError(f);
  const Bytes kept = kAnon + kFile + kLater;
  return AllOf(
      Survives(), Size("first.anon", Between(kAnon - error, kAnon + kOwn)),
      Told(f, "first.shmem", kFile),
      Size("second.anon", Between(kLater - error, kLater + kOwn)),
      Told(f, "second.shmem", 0_B), Count("first.populated", Eq(0)),
      Size("kept.anon",
           Between(kAnon + kLater - 2 * error, kAnon + kLater + 2 * kOwn)),
      Told(f, "kept.shmem", kFile),
      Size("kept.current", Between(kept, kept + slack)),
      Difference("kept.anon", "less.anon",
                 Between((kAnon - 2 * error - kMeanwhile).count,
                         (kAnon + 2 * error).count)),
      Told(f, "less.shmem", kFile), Told(f, "shared.anon", 0_B),
      Told(f, "shared.shmem", kFile),
      Size("shared.current", Between(kFile, kFile + slack)),
      Told(f, "left.anon", 0_B), Told(f, "left.shmem", 0_B),
      Size("left.current", Le(512_KiB)), Count("left.dying", Eq(0)));
}

const Register kChargeStays{
    {.id = "memcg/charge_stays",
     .summary = "pages stay charged where first touched, then to the parent",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: migrating a "
                           "process does not move the memory usages it "
                           "instantiated; seed 1: shm",
                  .deed = "a child writes in one group, moves to another and "
                          "writes there; the first is removed, then all freed",
                  .functions = "mem_cgroup_css_offline, memcg_reparent_objcgs, "
                               "uncharge_folio, mem_cgroup_css_free",
                  .look_at = "first.* and second.* are memory.stat before, "
                             "kept.* the parent's after the removal"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "left.current",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 1 << 19,
                  .cause = "per-CPU charge batches"}}}};

}  // namespace
}  // namespace oomgate
