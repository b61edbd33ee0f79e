// SPDX-License-Identifier: Apache-2.0
// What a private mapping is charged: all of it where it is writable, whatever
// is touched; and every way to grow, move, cut or change it is exact.
#include "cases/overcommit/charge.h"

namespace oomgate {
namespace {

constexpr std::int64_t kCut = 300;
constexpr int kMove = MREMAP_MAYMOVE | MREMAP_FIXED;

ChargeSteps Mapping() {
  return {
      Maps("map to write", kN, kRw, kPrivate),
      Writes("write all", 0, kN),
      Charges("advise that it is not needed", 0,
              [](ChargeScene& s) { Advise(s.trace, s.a, MADV_DONTNEED); },
              {{"rss", &ChargeScene::Rss, 0}}),
      Unmaps("unmap the head", -kCut, 0, kCut),
      Unmaps("unmap the tail", -kCut, kN - kCut, kCut),
      Unmaps("unmap the middle", -100, 500, 100),
      Unmaps("unmap all, over the hole", -(kN - 2 * kCut - 100)),
      Maps("map to read", 0, PROT_READ, kPrivate),
      Unmaps("unmap what can be read", 0),
      Maps("map without access", 0, PROT_NONE, kPrivate),
      Unmaps("unmap what has no access", 0),
      Maps("map to write only", kN, PROT_WRITE, kPrivate),
      Unmaps("unmap what can be written only", -kN),
      Maps("map and populate", kN, kRw, kPrivate | MAP_POPULATE),
      Unmaps("unmap what is populated", -kN),
      Charges("map a huge page", 0,
              [](ChargeScene& s) {
                s.a = s.New(512, kRw, kPrivate | MAP_HUGETLB | MAP_NORESERVE);
              },
              {{"mapped", &ChargeScene::Mapped, 512}}),
      Unmaps("unmap the huge page", 0, 0, 512),
  };
}

ChargeSteps WithoutReserve(std::int64_t charged) {
  constexpr int kFlags = kPrivate | MAP_NORESERVE;
  return {
      Maps("map, noreserve", charged, kRw, kFlags),
      Writes("noreserve: write", 0, 16),
      Unmaps("noreserve: unmap", -charged),
      Maps("noreserve: map without access", 0, PROT_NONE, kFlags),
      Protects("noreserve: make it writable", charged, kRw),
      Resizes("noreserve: grow it", charged, 2 * kN),
      Unmaps("noreserve: unmap all", -2 * charged, 0, 2 * kN),
  };
}

ChargeSteps Protecting(std::int64_t back) {
  return {
      Maps("map to read, to be protected", 0, PROT_READ, kPrivate),
      Protects("make it writable", kN, kRw),
      Protects("make it read-only", -back, PROT_READ),
      Protects("make it writable again", back, kRw),
      Protects("take all access", -back, PROT_NONE),
      Protects("make it writable from none", back, kRw),
      Protects("make half read-only", -back / 2, PROT_READ, 0, kN / 2),
      Protects("make that half writable", back / 2, kRw, 0, kN / 2),
      // With a page (an anon_vma) it keeps what it was charged.
      Writes("write a page", 0, 1),
      Protects("take all access to it", 0, PROT_NONE),
      Protects("make what is touched writable", 0, kRw),
      Protects("make half of it read-only", 0, PROT_READ, 0, kN / 2),
      Unmaps("unmap what was protected", -kN),
      Maps("map to read once more", 0, PROT_READ, kPrivate),
      Protects("make a part writable", kCut, kRw, kCut, kCut),
      Protects("make the rest writable", kN - kCut, kRw),
      Charges("make it executable", 0,
              [](ChargeScene& s) { Protect(s.trace, s.a, kRw | PROT_EXEC); },
              {{"executable",
                [](ChargeScene& s) { return MappingHasFlag(s.a, "ex"); }, 1}}),
      Unmaps("unmap the parts", -kN),
  };
}

// Moves all to another place.
ChargeStep Moves(const char* name, std::int64_t charge, std::int64_t pages) {
  return Charges(
      name, charge,
      [=](ChargeScene& s) {
        s.b = s.New(pages, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
        s.a = Remap(s.trace, s.a, pages * kPage, kMove, s.b.start);
      },
      {{"moved", [](ChargeScene& s) { return s.a.start == s.b.start; }, 1}});
}

ChargeSteps Remapping() {
  return {
      Charges("map, a hole behind it", kN,
              [](ChargeScene& s) {
                s.a = s.New(kN + kCut, kRw, kPrivate);
                Unmap(s.trace, Part(s.a, kN, kCut));
                s.a = Part(s.a, 0, kN);
              }),
      Resizes("grow into the hole", kCut, kN + kCut, 0),
      Resizes("shrink", -2 * kCut, kN - kCut, 0),
      Charges("grow by moving", 2 * kCut,
              [](ChargeScene& s) {
                MapOver(s.trace, Part(s.a, kN - kCut, kCut), PROT_NONE,
                        kPrivate);
                s.a = Remap(s.trace, s.a, (kN + kCut) * kPage, MREMAP_MAYMOVE);
              }),
      Moves("move", 0, kN + kCut),
      Moves("move and shrink", -kCut, kN),
      Charges("move the middle", 0,
              [](ChargeScene& s) {
                s.b = s.New(kCut, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
                Remap(s.trace, Part(s.a, kCut, kCut), kCut * kPage, kMove,
                      s.b.start);
              },
              {{"mapped", &ChargeScene::Mapped, kN - kCut}}),
      Charges("move it over the head", -100,
              [](ChargeScene& s) {
                Remap(s.trace, Part(s.b, 0, 100), 100 * kPage, kMove,
                      s.a.start);
              }),
      Charges("grow its end", kCut,
              [](ChargeScene& s) {
                s.c = Remap(s.trace, Part(s.b, 200, 100), (100 + kCut) * kPage,
                            MREMAP_MAYMOVE);
              }),
      Charges("unmap the end", -(100 + kCut),
              [](ChargeScene& s) { Unmap(s.trace, s.c); }),
      Charges("unmap what was moved", -(kN - kCut + 100),
              [](ChargeScene& s) {
                Unmap(s.trace, Part(s.b, 100, 100));
                Unmap(s.trace, s.a);
              }),
      Maps("map to read, to grow", 0, PROT_READ, kPrivate),
      Resizes("grow what can be read", 0, 2 * kN),
      Unmaps("unmap what can be read and grew", 0, 0, 2 * kN),
      Maps("map to move, and to keep", kN, kRw, kPrivate),
      Writes("write some of it", 0, 16),
      Charges("move, keep the old place", kN,
              [](ChargeScene& s) {
                s.b = Remap(s.trace, s.a, kN * kPage,
                            MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
              }),
      Charges("unmap the new place", -kN,
              [](ChargeScene& s) { Unmap(s.trace, s.b); }),
      Unmaps("unmap the old place", -kN),
  };
}

ChargeSteps Replacing(std::int64_t noreserve) {
  return {
      Maps("map, to be replaced", kN, kRw, kPrivate),
      MapsOver("map over it", 0, 0, kN, kRw, kPrivate)
          .HoldsWithout("it is replaced by its like, which shows nowhere"),
      MapsOver("map over half, to read", -kN / 2, 0, kN / 2, PROT_READ,
               kPrivate),
      MapsOver("map over both", kN / 2, 0, kN, kRw, kPrivate),
      Unmaps("make a hole", -100, 200, 100),
      MapsOver("map over the hole", 100, 0, kN, kRw, kPrivate),
      MapsOver("map over the middle, shared", 0, kCut, kCut, kRw, kShared),
      MapsOver("map over the shared middle", 0, 0, kN, kRw, kPrivate),
      MapsOver("map over it, noreserve", noreserve - kN, 0, kN, kRw,
               kPrivate | MAP_NORESERVE)
          .HoldsWithout(noreserve > 0 ? "in mode 2 it is replaced by its like"
                                      : ""),
      MapsOver("map over it without access", -noreserve, 0, kN, PROT_NONE,
               kPrivate),
  };
}

ChargeSteps OfFiles() {
  return {
      Opens("open the program", "/proc/self/exe", O_RDONLY),
      MapsFile("map the file", kN, kRw, MAP_PRIVATE),
      // Only an anonymous mapping gives back what it lost by mprotect.
      Protects("make the file read-only", 0, PROT_READ),
      Unmaps("unmap the file", -kN),
      MapsFile("map the file to read", 0, PROT_READ, MAP_PRIVATE),
      Protects("make the file writable", kN, kRw),
      Writes("write to the private file", 0, 16),
      Resizes("grow the mapping of the file", kN, 2 * kN),
      Unmaps("unmap all of the file", -2 * kN, 0, 2 * kN),
      MapsFile("map the file to read, shared", 0, PROT_READ, MAP_SHARED),
      Unmaps("unmap the shared file", 0),
      Closes("close the program", 0),
      Opens("open /dev/zero", "/dev/zero", O_RDWR),
      MapsFile("map /dev/zero", kN, kRw, MAP_PRIVATE),
      Unmaps("unmap /dev/zero", -kN),
      Closes("close /dev/zero", 0),
  };
}

std::int64_t StackPages() { return StatusField("VmStk") / kPage; }

ChargeSteps Growing() {
  return {
      Charges("grow the heap", kN, [] { return TryBrk(kN); }),
      Charges("shrink it a little", -kCut, [] { return TryBrk(-kCut); }),
      Charges("shrink it to what it was", -(kN - kCut),
              [] { return TryBrk(-(kN - kCut)); }),
      Charges("map a stack, and room below it", 16,
              [](ChargeScene& s) {
                s.b = s.New(kN, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
                s.a = Part(s.b, kN - 16, 16);
                MapOver(s.trace, s.a, kRw, kPrivate | MAP_GROWSDOWN);
                Unmap(s.trace, Part(s.b, 0, kN - 16));
              }),
      Charges(
          "write a page below it", 1,
          [](ChargeScene& s) { WritePages(s.trace, Part(s.b, kN - 17, 1)); }),
      Charges(
          "write a hundred pages below it", 99,
          [](ChargeScene& s) { WritePages(s.trace, Part(s.b, kN - 116, 1)); }),
      Charges("unmap the stack", -116,
              [](ChargeScene& s) { Unmap(s.trace, Part(s.b, kN - 116, 116)); }),
      // The part of the 2 MiB that was not there yet.
      {"grow the own stack to 2 MiB",
       [] { GrowStack<2 << 20>(); },
       {{"charged", &ChargeScene::Charged, Ge(300)},
        Change("grown", StackPages, Between<std::int64_t>(300, 512)),
        Difference("charged", "grown", 0)}},
  };
}

ChargeSteps Make(const Params& p, const Facts& f) {
  // Mode 2 does not listen to MAP_NORESERVE.
  const std::int64_t noreserve = Mode(p) == 2 ? kN : 0;
  // Since 6.7 a mapping without a page is given back when it loses PROT_WRITE.
  const std::int64_t back = f.kernel >= KernelVersion{6, 7} ? kN : 0;
  return Mapping() + WithoutReserve(noreserve) + Protecting(back) +
         Remapping() + Replacing(noreserve) + OfFiles() + Growing();
}

const Register kChargeMatrixPrivate{
    {.id = "overcommit/charge_matrix_private",
     .summary = "private mappings: Committed_AS follows each step to the page",
     .claim = "overcommit.never.charge_matrix, .noreserve_ignored, "
              ".mprotect_unaccount; seed 1 on the flags of mmap, seed 2 on "
              "mode 2; Documentation/mm/overcommit-accounting",
     .functions = "accountable_mapping, mmap_region, mprotect_fixup, move_vma, "
                  "do_brk_flags, acct_stack_growth, vm_unacct_memory",
     .look_at = "pages that a step keeps or gives back too much",
     .needs = {.alone = true},
     .adjust = AdjustMode,
     .params = {{"mode", {"0", "1", "2"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
