// SPDX-License-Identifier: Apache-2.0
// Locked memory is counted once, however often it is locked, and its limit
// holds to the page for a process without privilege.
#include <linux/capability.h>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kLimit = 1_MiB;

struct Locks : Scene {
  Range range = MapAnonymous(trace, kSize);
  Range scratch = MapAnonymous(trace, kPage);
  Range later = {};
  Range limited = {};
  Bytes own_before = StatusField("VmLck");
  Bytes machine_before = Mlocked();

  Bytes Own() const { return StatusField("VmLck") - own_before; }
  Bytes Machine() const { return Mlocked() - machine_before; }
  Bytes Mlocked() const {
    // A CPU keeps a batch of folios that were locked or unlocked since 5.18;
    // locking any goes through it.
    TryLock(scratch);
    TryUnlock(scratch);
    RefreshVmstat();
    return Meminfo("Mlocked");
  }
  void LimitTo(Bytes size) const {
    const rlimit limit{Length(size), Length(size)};
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) trace.Stop("setrlimit", errno);
  }
  // The most pages that can be locked, from an unlocked range.
  std::int64_t MostPages() const {
    return Largest(limited.size / kPage, [&](std::int64_t pages) {
      const Range part = limited.Part(0_B, pages * kPage);
      const bool locks = TryLock(part) == 0;
      if (locks) TryUnlock(part);
      return locks;
    });
  }
};

// VmLck of the process, and the pages that the machine counts.
Row<Locks> Counted(Bytes own, Bytes machine) {
  return Rows<Locks>{{"own", &Locks::Own, own},
                     {"machine", &Locks::Machine, machine}};
}
Row<Locks> Counted(Bytes size) { return Counted(size, size); }

// A lock of that part of what is limited.
auto Lock(Bytes from, Bytes size) {
  return [=](Locks& l) { return TryLock(l.limited.Part(from, size)); };
}

Bytes Tables() { return StatusField("VmPTE"); }

Steps<Locks> Make(const Params&, const Facts&) {
  return {
      {"lock",
       [](Locks& l) { return TryLock(l.range); },
       {Counted(kSize),
        {"rss", [](Locks& l) { return ReadMapping(l.range).rss; }, kSize},
        {"smaps", [](Locks& l) { return MappingField(l.range, "Locked"); },
         kSize},
        {"lo", [](Locks& l) { return MappingHasFlag(l.range, "lo"); }, 1}}},
      {"lock half of it again",
       [](Locks& l) { return TryLock(l.range.Part(0_B, kSize / 2)); },
       {Counted(kSize)}},
      {"fork",
       [](Locks& l) {
         Reap(StartChild(l.trace, [&] {
           l.Set("own in child", StatusField("VmLck"));
           l.Set("lo in child", MappingHasFlag(l.range, "lo"));
           l.Set("smaps in child", MappingField(l.range, "Locked"));
         }));
       },
       {Counted(kSize), Size("own in child", 0_B), Count("lo in child", 0),
        Size("smaps in child", 0_B)}},
      {"unlock a quarter",
       [](Locks& l) { return TryUnlock(l.range.Part(kSize / 4, kSize / 4)); },
       {Counted(kSize * 3 / 4),
        {"mappings", [](Locks& l) { return ReadMapping(l.range).mappings; },
         3}}},
      {"unmap a locked quarter",
       [](Locks& l) { return TryUnmap(l.range.Part(0_B, kSize / 4)); },
       {Counted(kSize / 2)}},
      {"unmap the rest",
       [](Locks& l) { Unmap(l.trace, l.range); },
       {Counted(0_B)}},

      // A range without access is not filled for being locked.
      {"lock PROT_NONE",
       [](Locks& l) {
         l.later = MapAnonymous(l.trace, kSize, {.prot = PROT_NONE});
         return TryLock(l.later);
       },
       {Refused(ENOMEM), Change("tables", Tables, 0_B)}},
      {"populate PROT_NONE",
       [](Locks& l) {
         Unmap(l.trace, l.later);
         MapAnonymous(l.trace, kSize,
                      {.prot = PROT_NONE,
                       .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE});
       },
       {Change("tables", Tables, 0_B)}},

      // On fault: the size counts at once, the pages as they come.
      {"mlock2 on fault",
       [](Locks& l) {
         l.later = MapAnonymous(l.trace, kSize);
         constexpr unsigned kOnFault = 1;
         return ErrnoOf(
             syscall(SYS_mlock2, l.later.start, kSize.count, kOnFault));
       },
       {{"rss", [](Locks& l) { return ReadMapping(l.later).rss; }, 0_B}}},
      {"write an eighth",
       [](Locks& l) { WritePages(l.trace, l.later.Part(0_B, kSize / 8)); },
       {Counted(kSize, kSize / 8)}},
      {"mlock all of it after all",
       [](Locks& l) { return TryLock(l.later); },
       {Counted(kSize)}},
      {"grow by mremap",
       [](Locks& l) {
         l.later = Remap(l.trace, l.later, 2 * kSize, MREMAP_MAYMOVE);
       },
       {{"own", &Locks::Own, 2 * kSize}}},
      // The old place stays mapped, and only the new one is locked.
      {"move by MREMAP_DONTUNMAP",
       [](Locks& l) {
         l.range = l.later;
         l.later = Remap(l.trace, l.later, 2 * kSize,
                         MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
       },
       {{"own", &Locks::Own, 2 * kSize}}},
      {"unmap the old place",
       [](Locks& l) { return TryUnmap(l.range); },
       {{"own", &Locks::Own, 2 * kSize}}},
      {"unmap the new place",
       [](Locks& l) { return TryUnmap(l.later); },
       {Counted(0_B)}},

      // mlockall goes on behind a range without access, and reports nothing.
      {"mlockall in a child",
       [](Locks& l) {
         return Reap(StartChild(l.trace, [&] {
           const Range all = MapAnonymous(l.trace, 3 * kSize);
           const Range middle = all.Part(kSize, kSize);
           l.Set("protect", TryProtect(middle, PROT_NONE));
           l.Set("mlockall", ErrnoOf(mlockall(MCL_CURRENT)));
           l.Set("low", ReadMapping(all.Part(0_B, kSize)).rss);
           l.Set("middle", ReadMapping(middle).rss);
           l.Set("high", ReadMapping(all.Part(2 * kSize, kSize)).rss);
         }));
       },
       {Count("protect", 0), Count("mlockall", 0), Size("low", kSize),
        Size("middle", 0_B), Size("high", kSize)}},

      {"lock twice the limit, privileged",
       [](Locks& l) {
         l.limited = MapAnonymous(l.trace, 2 * kLimit);
         l.LimitTo(kLimit);
         return TryLock(l.limited);
       }},
      {"drop CAP_IPC_LOCK",
       [](Locks& l) {
         TryUnlock(l.limited);
         DropCapability(l.trace, CAP_IPC_LOCK);
       },
       {{"most pages", &Locks::MostPages, kLimit / kPage}}},
      {"lock twice the limit", Lock(0_B, 2 * kLimit), {Refused(ENOMEM)}},
      {"lock half of the limit", Lock(0_B, kLimit / 2)},
      // What is locked already counts no second time.
      {"lock from its middle up to the limit",
       Lock(kLimit / 4, kLimit * 3 / 4),
       {{"own", [] { return StatusField("VmLck"); }, kLimit}}},
      {"lock from its end beyond the limit",
       Lock(kLimit / 2, kLimit / 2 + kPage),
       {Refused(ENOMEM)}},
      {"lock all again", Lock(0_B, kLimit)},
      {"lock one page more", Lock(kLimit, kPage), {Refused(ENOMEM)}},
      {"lock one page with a limit of 0",
       [](Locks& l) {
         l.LimitTo(0_B);
         return TryLock(l.limited.Part(kLimit, kPage));
       },
       {Refused(EPERM)}},
  };
}

const Register kLocked{
    {.id = "counters/locked",
     .summary = "VmLck and Mlocked count locked memory once; the limit holds",
     .claim = "mlock(2): locks do not nest, are not inherited by a child, "
              "RLIMIT_MEMLOCK counts bytes",
     .functions = "do_mlock, mlock_fixup, count_mm_mlocked_page_nr, dup_mmap, "
                  "munlock_folio",
     .look_at = "own is mm->locked_vm, machine the pages themselves",
     .needs = {.alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
