// SPDX-License-Identifier: Apache-2.0
// The limits of a process hold for what grows, too: a mapping by mremap, the
// heap by brk, a stack by a touch; each to the page, and counted once.
#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr std::int64_t kHole = 4096;  // pages
constexpr std::int64_t kFirst = 16;   // pages of a stack before it grows
constexpr std::int64_t kMost = 100;   // pages by which it is asked to grow
constexpr std::int64_t kLimit = 64;   // pages of RLIMIT_STACK, _MEMLOCK
constexpr std::int64_t kRoom = 20;    // pages below RLIMIT_AS

struct Growth : Scene {
  bool own_stack = GrowStack<128 << 10>();
  Range hole = {};  // where a stack will be
  Range stack = {};
  Range island = {};
  Range mapped = {};

  // What is around keeps others away until the stack is placed.
  void Reserve() {
    hole = MapBare(trace, kHole * kPage, PROT_NONE, kPrivate | MAP_NORESERVE);
  }
  void Unreserve() const { Unmap(trace, hole); }
  // A stack of kFirst pages at the end of the hole, with room below.
  void PlaceStack() {
    stack = Part(hole, kHole - kFirst - 1, kFirst);
    MapOver(trace, stack, kRw, kPrivate | MAP_GROWSDOWN);
    Unmap(trace, Part(hole, 1, kHole - kFirst - 2));
  }
  // By how many pages it grows, touched page by page.
  void GrowTheStack() const {
    std::int64_t pages = 0;
    while (pages < kMost &&
           SignalOfWrite(trace, stack.start - Pages(pages + 1)) == 0) {
      ++pages;
    }
    Set("grown", pages);
  }
  // Alone in its surroundings: it cannot grow where it is.
  void MapIsland(std::int64_t pages) {
    island = MapAnonymous(
        trace, pages * kPage,
        {.flags = kPrivate, .align = kPage, .pages = MapOptions::kDefault});
  }
  int TryGrow() {
    return TryRemap(island, island.size + kPage, MREMAP_MAYMOVE);
  }
  // To what there is now, and that many pages.
  void LimitTo(__rlimit_resource which, const char* field,
               std::int64_t pages) const {
    Limit(trace, which, StatusField(field) + pages * kPage);
  }
};

std::int64_t LockedPages() { return StatusField("VmLck") / kPage; }
const Row<Growth> kAllLocked{"locked", LockedPages, kLimit};
const Row<Growth> kNoneLocked{"locked", LockedPages, 0};

std::int64_t DataPages() { return StatusField("VmData") / kPage; }

int GrowHeap() { return TryBrk(1); }

Steps<Growth> AddressSpace() {
  return {
      {"AS: grow the heap at the limit",
       [](Growth& s) {
         s.Reserve();
         s.PlaceStack();
         s.LimitTo(RLIMIT_AS, "VmSize", 0);
         return GrowHeap();
       },
       {Refused(ENOMEM)}},
      {"AS: grow a stack, room for 20 pages",
       [](Growth& s) {
         s.LimitTo(RLIMIT_AS, "VmSize", kRoom);
         s.GrowTheStack();
         Limit(s.trace, RLIMIT_AS, kUnlimited);
         s.Unreserve();
       },
       {Count("grown", kRoom)}},
  };
}

Steps<Growth> Data() {
  return {
      {"DATA: grow a mapping at the limit",
       [](Growth& s) {
         s.Reserve();
         s.MapIsland(300);
         s.LimitTo(RLIMIT_DATA, "VmData", 0);
         return s.TryGrow();
       },
       {Refused(ENOMEM)}},
      {"DATA: grow the heap at the limit", GrowHeap, {Refused(ENOMEM)}},
      // A stack is none of it.
      {"DATA: grow a stack at the limit",
       [](Growth& s) {
         s.PlaceStack();
         s.GrowTheStack();
       },
       {Count("grown", kMost)}},
      {"DATA: grow a mapping by the last page",
       [](Growth& s) {
         s.LimitTo(RLIMIT_DATA, "VmData", 1);
         return s.TryGrow();
       },
       {Change("data", DataPages, 1)}},
      {"DATA: grow it by one more", &Growth::TryGrow, {Refused(ENOMEM)}},
      {"DATA: grow the heap by the last page",
       [](Growth& s) {
         s.LimitTo(RLIMIT_DATA, "VmData", 1);
         return GrowHeap();
       },
       {Change("data", DataPages, 1)}},
      {"DATA: grow the heap by one more", GrowHeap, {Refused(ENOMEM)}},
  };
}

Steps<Growth> Stack() {
  return {
      {"STACK: grow a stack",
       [](Growth& s) {
         Limit(s.trace, RLIMIT_DATA, kUnlimited);
         TryBrk(-1);
         Unmap(s.trace, s.island);
         s.Unreserve();
         s.Reserve();
         Limit(s.trace, RLIMIT_STACK, kLimit * kPage);
         s.PlaceStack();
         s.GrowTheStack();
         Limit(s.trace, RLIMIT_STACK, kUnlimited);
         s.Unreserve();
       },
       {Count("grown", kLimit - kFirst)}},
      // A frame is a little more than a page: the last one may jump over one.
      {"STACK: recurse in a child",
       [](Growth& s) {
         return RunChild(s.trace, [&] {
           const Bytes now = StatusField("VmStk");
           Limit(s.trace, RLIMIT_STACK, now + kRoom * kPage);
           s.Set("signal", SignalOf(s.trace, [] { (void)Recurse(kMost); }));
           s.Set("grown", StatusField("VmStk") - now);
         });
       },
       {Count("signal", SIGSEGV),
        Size("grown", Between((kRoom - 1) * kPage, kRoom * kPage))}},
  };
}

Steps<Growth> Locked() {
  return {
      {"MEMLOCK: grow what is locked",
       [](Growth& s) {
         s.Reserve();
         s.MapIsland(kLimit - 1);
         DropCapability(s.trace, CAP_IPC_LOCK);
         Limit(s.trace, RLIMIT_MEMLOCK, kLimit * kPage);
         Lock(s.trace, s.island);
         return s.TryGrow();
       },
       {kAllLocked}},
      {"MEMLOCK: grow it by one more",
       &Growth::TryGrow,
       {Refused(EAGAIN), kAllLocked}},
      // All that comes, comes locked.
      {"FUTURE: map a page more than allowed",
       [](Growth& s) {
         Unmap(s.trace, s.island);
         Must(s.trace, "mlockall", mlockall(MCL_FUTURE));
         return TryMap((kLimit + 1) * kPage, kRw, kPrivate);
       },
       {Refused(EAGAIN)}},
      {"FUTURE: map what is allowed",
       [](Growth& s) {
         s.mapped = MapBare(s.trace, kLimit * kPage, kRw, kPrivate);
       },
       {kAllLocked}},
      {"FUTURE: map one page more",
       [] { return TryMap(kPage, kRw, kPrivate); },
       {Refused(EAGAIN)}},
      {"FUTURE: grow the heap by a page", GrowHeap, {Refused(ENOMEM)}},
      {"FUTURE: grow the heap, no mapping",
       [](Growth& s) {
         Unmap(s.trace, s.mapped);
         return TryBrk(kLimit);
       },
       {kAllLocked}},
      {"FUTURE: grow the heap by one more", GrowHeap, {Refused(ENOMEM)}},
      {"FUTURE: shrink the heap", [] { TryBrk(-kLimit); }, {kNoneLocked}},
      {"FUTURE: grow a stack",
       [](Growth& s) {
         s.PlaceStack();
         s.GrowTheStack();
       },
       {Count("grown", kLimit - kFirst), kAllLocked}},
      {"unlock all", [] { munlockall(); }, {kNoneLocked}},
      StepOf<Growth>("map more than could be locked",
                     [] { return TryMap((kLimit + 1) * kPage, kRw, kPrivate); })
          .HoldsWithout("it was refused while all that came was locked"),
  };
}

Steps<Growth> Make(const Params&, const Facts&) {
  return AddressSpace() + Data() + Stack() + Locked();
}

const Register kRlimitsGrowth{
    {.id = "overcommit/rlimits_growth",
     .summary = "RLIMIT_AS, _DATA, _STACK and _MEMLOCK hold for what grows",
     .claim = "Seed 2: what else may say \"Cannot allocate memory\"; "
              "getrlimit(2), brk(2), mremap(2), mlockall(2)",
     .functions = "acct_stack_growth, expand_downwards, do_brk_flags, "
                  "vma_to_resize, may_expand_vm, mlock_future_check",
     .look_at = "grown: pages, for stacks",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
