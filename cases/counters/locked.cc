// SPDX-License-Identifier: Apache-2.0
// Locked memory is counted once, whatever is locked twice, split, grown or
// forked; and its limit holds to the page for who has no privilege.
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kLimit = 1_MiB;

// VmLck, and what the machine counts.
struct Locked {
  explicit Locked(const Range& scratch) {
    // A CPU keeps a batch of folios that were locked or unlocked since 5.18;
    // locking any goes through it.
    mlock(scratch.start, static_cast<std::size_t>(kPage.count));
    munlock(scratch.start, static_cast<std::size_t>(kPage.count));
    RefreshVmstat();
    own = StatusField("VmLck");
    machine = Meminfo("Mlocked");
  }
  Bytes own, machine;
};

void Report(Trace& trace, const Range& scratch, const Locked& before,
            const char* own, const char* machine) {
  const Locked now(scratch);
  trace.Set(own, now.own - before.own);
  trace.Set(machine, now.machine - before.machine);
}

// What nobody may touch is not filled for being locked.
void NoAccess(Trace& trace) {
  const Range range = MapAnonymous(trace, kSize, {.prot = PROT_NONE});
  const Bytes tables = StatusField("VmPTE");
  trace.Set("no_access_errno", TryLock(range));
  trace.Set("no_access_tables", StatusField("VmPTE") - tables);
  Unmap(trace, range);
  const Range filled = MapAnonymous(
      trace, kSize,
      {.prot = PROT_NONE, .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE});
  trace.Set("no_access_filled", StatusField("VmPTE") - tables);
  Unmap(trace, filled);
}

// mlockall goes on behind what nobody may touch, and says nothing of it.
void LockAll(Trace& trace) {
  const Range range = MapAnonymous(trace, 3 * kSize);
  const Range middle = range.Part(kSize, kSize);
  if (mprotect(middle.start, static_cast<std::size_t>(kSize.count),
               PROT_NONE) != 0) {
    trace.Stop("mprotect", errno);
  }
  trace.Set("all_errno", mlockall(MCL_CURRENT) == 0 ? 0 : errno);
  trace.Set("all_low", ReadMapping(range.Part(0_B, kSize)).rss);
  trace.Set("all_middle", ReadMapping(middle).rss);
  trace.Set("all_high", ReadMapping(range.Part(2 * kSize, kSize)).rss);
}

void Limits(Trace& trace) {
  const rlimit limit{static_cast<rlim_t>(kLimit.count),
                     static_cast<rlim_t>(kLimit.count)};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) trace.Stop("setrlimit", errno);
  const Range range = MapAnonymous(trace, 2 * kLimit);
  trace.Set("privileged_errno", TryLock(range));
  Unlock(trace, range);
  DropCapability(trace, CAP_IPC_LOCK);
  trace.Set("limit_pages", Largest(range.size / kPage, [&](std::int64_t pages) {
              const Range part = range.Part(0_B, pages * kPage);
              const bool locks = TryLock(part) == 0;
              if (locks) Unlock(trace, part);
              return locks;
            }));
  trace.Set("beyond_errno", TryLock(range));
  // What is locked already is no more when it is locked again.
  Lock(trace, range.Part(0_B, kLimit / 2));
  trace.Set("overlap_errno", TryLock(range.Part(kLimit / 4, kLimit * 3 / 4)));
  trace.Set("overlap_locked", StatusField("VmLck"));
  trace.Set("overlap_over_errno",
            TryLock(range.Part(kLimit / 2, kLimit / 2 + kPage)));
  trace.Set("again_errno", TryLock(range.Part(0_B, kLimit)));
  trace.Set("one_more_errno", TryLock(range.Part(kLimit, kPage)));
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) trace.Stop("setrlimit", errno);
  trace.Set("none_errno", TryLock(range.Part(kLimit, kPage)));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = MapAnonymous(trace, kSize);
  const Range scratch = MapAnonymous(trace, kPage);
  const Locked before(scratch);
  Lock(trace, range);
  Report(trace, scratch, before, "locked", "machine_locked");
  trace.Set("locked_rss", ReadMapping(range).rss);
  trace.Set("smaps_locked", MappingField(range, "Locked"));
  trace.Set("has_lo", MappingHasFlag(range, "lo"));
  Lock(trace, range.Part(0_B, kSize / 2));
  Report(trace, scratch, before, "twice", "machine_twice");

  const pid_t child = StartChild(trace, [&] {
    trace.Set("child_locked", StatusField("VmLck"));
    trace.Set("child_lo", MappingHasFlag(range, "lo"));
    trace.Set("child_smaps_locked", MappingField(range, "Locked"));
  });
  Reap(child);
  Report(trace, scratch, before, "after_child", "machine_after_child");

  Unlock(trace, range.Part(kSize / 4, kSize / 4));
  Report(trace, scratch, before, "part", "machine_part");
  trace.Set("part_mappings", ReadMapping(range).mappings);
  munmap(range.start, static_cast<std::size_t>(kSize.count / 4));
  Report(trace, scratch, before, "unmapped", "machine_unmapped");
  Unmap(trace, range);
  Report(trace, scratch, before, "at_end", "machine_at_end");

  NoAccess(trace);

  // Locked as it comes: the size counts at once, the pages as they are there.
  const Range later = MapAnonymous(trace, kSize);
  constexpr unsigned kOnFault = 1;
  if (syscall(SYS_mlock2, later.start, kSize.count, kOnFault) != 0) {
    trace.Stop("mlock2", errno);
  }
  trace.Set("onfault_rss", ReadMapping(later).rss);
  WritePages(trace, later.Part(0_B, kSize / 8));
  Report(trace, scratch, before, "onfault", "machine_onfault");
  // All of it after all: the size counts already.
  Lock(trace, later);
  Report(trace, scratch, before, "completed", "machine_completed");
  // Grown while locked, and somewhere else.
  void* const grown =
      mremap(later.start, static_cast<std::size_t>(kSize.count),
             static_cast<std::size_t>(2 * kSize.count), MREMAP_MAYMOVE);
  if (grown == MAP_FAILED) trace.Stop("mremap", errno);
  trace.Set("grown", StatusField("VmLck") - before.own);
  // Moved out of its place, which stays mapped: only what is moved is locked.
  const long kept = syscall(SYS_mremap, grown, 2 * kSize.count, 2 * kSize.count,
                            MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0L);
  if (kept == -1) trace.Stop("mremap with MREMAP_DONTUNMAP", errno);
  trace.Set("kept", StatusField("VmLck") - before.own);
  munmap(grown, static_cast<std::size_t>(2 * kSize.count));
  trace.Set("kept_new", StatusField("VmLck") - before.own);
  munmap(reinterpret_cast<void*>(kept),
         static_cast<std::size_t>(2 * kSize.count));
  Report(trace, scratch, before, "grown_end", "machine_grown_end");

  const pid_t limited = StartChild(trace, [&] { Limits(trace); });
  trace.Set("limited_status", Reap(limited));
  // Last: a page of two processes may be counted as locked a little longer.
  const pid_t all = StartChild(trace, [&] { LockAll(trace); });
  trace.Set("all_status", Reap(all));
}

Oracle Expect(const Params&, const Facts&) {
  const auto both = [](const std::string& name, Bytes own, Bytes machine) {
    return AllOf(Size(name, Eq(own)), Size("machine_" + name, Eq(machine)));
  };
  return AllOf(
      Survives(), both("locked", kSize, kSize), Size("locked_rss", Eq(kSize)),
      Size("smaps_locked", Eq(kSize)), Count("has_lo", Eq(1)),
      both("twice", kSize, kSize), Size("child_locked", Eq(0_B)),
      Count("child_lo", Eq(0)), Size("child_smaps_locked", Eq(0_B)),
      both("after_child", kSize, kSize),
      both("part", kSize * 3 / 4, kSize * 3 / 4), Count("part_mappings", Eq(3)),
      both("unmapped", kSize / 2, kSize / 2), both("at_end", 0_B, 0_B),
      Count("no_access_errno", Eq(ENOMEM)), Size("no_access_tables", Eq(0_B)),
      Size("no_access_filled", Eq(0_B)), Count("all_status", Eq(0)),
      Count("all_errno", Eq(0)), Size("all_low", Eq(kSize)),
      Size("all_middle", Eq(0_B)), Size("all_high", Eq(kSize)),
      Size("onfault_rss", Eq(0_B)), both("onfault", kSize, kSize / 8),
      both("completed", kSize, kSize), Size("grown", Eq(2 * kSize)),
      Size("kept", Eq(2 * kSize)), Size("kept_new", Eq(2 * kSize)),
      both("grown_end", 0_B, 0_B), Count("limited_status", Eq(0)),
      Count("privileged_errno", Eq(0)),
      Count("limit_pages", Eq(kLimit / kPage)),
      Count("beyond_errno", Eq(ENOMEM)), Count("again_errno", Eq(0)),
      Count("overlap_errno", Eq(0)), Size("overlap_locked", Eq(kLimit)),
      Count("overlap_over_errno", Eq(ENOMEM)),
      Count("one_more_errno", Eq(ENOMEM)), Count("none_errno", Eq(EPERM)));
}

const Register kLocked{
    {.id = "counters/locked",
     .summary = "VmLck and Mlocked count locked memory once; the limit holds",
     .explains =
         {.claim = "mlock(2): locks do not nest, are not inherited by a child, "
                   "RLIMIT_MEMLOCK counts bytes",
          .deed = "locks, locks again, forks, unlocks a part, unmaps, locks on "
                  "fault, grows, locks all beside what is PROT_NONE; then "
                  "bisects the limit without CAP_IPC_LOCK",
          .functions = "do_mlock, mlock_fixup, count_mm_mlocked_page_nr, "
                       "dup_mmap, munlock_folio",
          .look_at = "the first step that differs: own is mm->locked_vm, "
                     "machine the pages themselves"},
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
