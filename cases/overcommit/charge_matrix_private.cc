// SPDX-License-Identifier: Apache-2.0
// What a private mapping is charged: all of it where it is writable, whatever
// is touched; and every way to grow, move, cut or change it is exact.
#include <sys/syscall.h>

#include "cases/overcommit/charge.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr std::int64_t kN = kObject;
constexpr std::int64_t kCut = 300;

// Since 6.7 a mapping without a page is given back when it
// loses PROT_WRITE.
bool ProtectGivesBack(const Facts& f) {
  return f.kernel >= KernelVersion{6, 7};
}

void AddMaps(ChargeSteps& steps) {
  steps.insert(
      steps.end(),
      {{"map_rw", kN, [](ChargeScene& s) { s.a = s.Map(kN, kRw, MAP_PRIVATE); }},
       {"touch", 0, [](ChargeScene& s) { s.Touch(s.a, kN); }},
       {"dontneed", 0,
        [](ChargeScene& s) { madvise(s.a, Pages(kN), MADV_DONTNEED); }},
       {"unmap_head", -kCut, [](ChargeScene& s) { s.Unmap(s.a, kCut); }},
       {"unmap_tail", -kCut,
        [](ChargeScene& s) { s.Unmap(s.a + Pages(kN - kCut), kCut); }},
       {"unmap_middle", -100, [](ChargeScene& s) { s.Unmap(s.a + Pages(500), 100); }},
       {"unmap_over_hole", -(kN - 2 * kCut - 100),
        [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"map_r", 0, [](ChargeScene& s) { s.a = s.Map(kN, PROT_READ, MAP_PRIVATE); }},
       {"unmap_r", 0, [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"map_none", 0,
        [](ChargeScene& s) { s.a = s.Map(kN, PROT_NONE, MAP_PRIVATE); }},
       {"unmap_none", 0, [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"map_w", kN,
        [](ChargeScene& s) { s.a = s.Map(kN, PROT_WRITE, MAP_PRIVATE); }},
       {"unmap_w", -kN, [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"populate", kN,
        [](ChargeScene& s) { s.a = s.Map(kN, kRw, MAP_PRIVATE | MAP_POPULATE); }},
       {"unmap_populated", -kN, [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"hugetlb_map", 0,
        [](ChargeScene& s) {
          s.a = s.Hole(1536);
          s.a += (kHugePage.count -
                  reinterpret_cast<std::intptr_t>(s.a) % kHugePage.count) %
                 kHugePage.count;
          s.MapAt(s.a, 512, kRw, MAP_PRIVATE | MAP_HUGETLB | MAP_NORESERVE);
        }},
       {"hugetlb_unmap", 0, [](ChargeScene& s) { s.Unmap(s.a, 512); }}});
}

void AddNoreserve(ChargeSteps& steps, std::int64_t charged) {
  steps.insert(
      steps.end(),
      {{"noreserve_map", charged,
        [](ChargeScene& s) { s.a = s.Map(kN, kRw, MAP_PRIVATE | MAP_NORESERVE); }},
       {"noreserve_touch", 0, [](ChargeScene& s) { s.Touch(s.a, 16); }},
       {"noreserve_unmap", -charged, [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"noreserve_none", 0,
        [](ChargeScene& s) {
          s.a = s.Map(kN, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
        }},
       {"noreserve_none_to_rw", charged,
        [](ChargeScene& s) { s.Protect(s.a, kN, kRw); }},
       {"noreserve_grow", charged,
        [](ChargeScene& s) { s.a = s.Remap(s.a, kN, 2 * kN, MREMAP_MAYMOVE); }},
       {"noreserve_unmap_rw", -2 * charged,
        [](ChargeScene& s) { s.Unmap(s.a, 2 * kN); }}});
}

void AddProtect(ChargeSteps& steps, std::int64_t back) {
  steps.insert(
      steps.end(),
      {{"r_to_rw", kN,
        [](ChargeScene& s) {
          s.a = s.Map(kN, PROT_READ, MAP_PRIVATE);
          s.Protect(s.a, kN, kRw);
        }},
       {"rw_to_r", -back, [](ChargeScene& s) { s.Protect(s.a, kN, PROT_READ); }},
       {"back_to_rw", back, [](ChargeScene& s) { s.Protect(s.a, kN, kRw); }},
       {"rw_to_none", -back, [](ChargeScene& s) { s.Protect(s.a, kN, PROT_NONE); }},
       {"none_to_rw", back, [](ChargeScene& s) { s.Protect(s.a, kN, kRw); }},
       {"half_to_r", -back / 2,
        [](ChargeScene& s) { s.Protect(s.a, kN / 2, PROT_READ); }},
       {"half_to_rw", back / 2, [](ChargeScene& s) { s.Protect(s.a, kN / 2, kRw); }},
       // With a page (an anon_vma) it keeps what it was charged.
       {"touched_to_none", 0,
        [](ChargeScene& s) {
          s.Touch(s.a, 1);
          s.Protect(s.a, kN, PROT_NONE);
        }},
       {"touched_to_rw", 0, [](ChargeScene& s) { s.Protect(s.a, kN, kRw); }},
       {"touched_half_to_r", 0,
        [](ChargeScene& s) { s.Protect(s.a, kN / 2, PROT_READ); }},
       {"protected_unmap", -kN, [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"part_of_r_to_rw", kCut,
        [](ChargeScene& s) {
          s.a = s.Map(kN, PROT_READ, MAP_PRIVATE);
          s.Protect(s.a + Pages(kCut), kCut, kRw);
        }},
       {"rest_of_r_to_rw", kN - kCut,
        [](ChargeScene& s) { s.Protect(s.a, kN, kRw); }},
       {"rw_to_rwx", 0, [](ChargeScene& s) { s.Protect(s.a, kN, kRw | PROT_EXEC); }},
       {"parts_unmap", -kN, [](ChargeScene& s) { s.Unmap(s.a, kN); }}});
}

void AddRemap(ChargeSteps& steps) {
  steps.insert(
      steps.end(),
      {{"grow_in_place", kCut,
        [](ChargeScene& s) {
          s.a = s.Hole(kN + kCut);
          s.MapAt(s.a, kN, kRw, MAP_PRIVATE);
          s.Unmap(s.a + Pages(kN), kCut);
          s.Remap(s.a, kN, kN + kCut, 0);
          s.counted = kN;
        }},
       {"shrink", -2 * kCut,
        [](ChargeScene& s) { s.Remap(s.a, kN + kCut, kN - kCut, 0); }},
       {"grow_by_moving", 2 * kCut,
        [](ChargeScene& s) {
          s.MapAt(s.a + Pages(kN - kCut), kCut, PROT_NONE, MAP_PRIVATE);
          s.a = s.Remap(s.a, kN - kCut, kN + kCut, MREMAP_MAYMOVE);
        }},
       {"move", 0,
        [](ChargeScene& s) {
          s.a = s.Remap(s.a, kN + kCut, kN + kCut,
                        MREMAP_MAYMOVE | MREMAP_FIXED, s.Hole(kN + kCut));
        }},
       {"move_and_shrink", -kCut,
        [](ChargeScene& s) {
          s.a = s.Remap(s.a, kN + kCut, kN, MREMAP_MAYMOVE | MREMAP_FIXED,
                        s.Hole(kN));
        }},
       {"move_the_middle", 0,
        [](ChargeScene& s) {
          s.b = s.Remap(s.a + Pages(kCut), kCut, kCut,
                        MREMAP_MAYMOVE | MREMAP_FIXED, s.Hole(kCut));
        }},
       {"move_over_itself", -100,
        [](ChargeScene& s) {
          s.Remap(s.b, 100, 100, MREMAP_MAYMOVE | MREMAP_FIXED, s.a);
          s.b += Pages(100);
        }},
       {"grow_the_end", kCut,
        [](ChargeScene& s) {
          char* const end =
              s.Remap(s.b + Pages(100), 100, 100 + kCut, MREMAP_MAYMOVE);
          s.Unmap(end, 100 + kCut);
          s.counted = -(100 + kCut);
        }},
       {"moved_unmap", -(kN - kCut + 100),
        [](ChargeScene& s) {
          s.Unmap(s.b, 100);
          s.Unmap(s.a, kN);
        }},
       {"grow_r", 0,
        [](ChargeScene& s) {
          s.a = s.Map(kN, PROT_READ, MAP_PRIVATE);
          s.a = s.Remap(s.a, kN, 2 * kN, MREMAP_MAYMOVE);
          s.Unmap(s.a, 2 * kN);
        }},
       {"dontunmap", kN,
        [](ChargeScene& s) {
          s.a = s.Map(kN, kRw, MAP_PRIVATE);
          s.Touch(s.a, 16);
          const long got = syscall(SYS_mremap, s.a, Pages(kN), Pages(kN),
                                   MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0UL);
          s.Must(got != -1, "mremap with MREMAP_DONTUNMAP");
          s.b = reinterpret_cast<char*>(got);
          s.counted = kN;
        }},
       {"dontunmap_new", -kN, [](ChargeScene& s) { s.Unmap(s.b, kN); }},
       {"dontunmap_old", -kN, [](ChargeScene& s) { s.Unmap(s.a, kN); }}});
}

void AddFixed(ChargeSteps& steps, std::int64_t noreserve) {
  steps.insert(
      steps.end(),
      {{"rw_over_rw", 0,
        [](ChargeScene& s) {
          s.a = s.Map(kN, kRw, MAP_PRIVATE);
          s.MapAt(s.a, kN, kRw, MAP_PRIVATE);
          s.counted = kN;
        }},
       {"r_over_half", -kN / 2,
        [](ChargeScene& s) { s.MapAt(s.a, kN / 2, PROT_READ, MAP_PRIVATE); }},
       {"rw_over_both", kN / 2,
        [](ChargeScene& s) { s.MapAt(s.a, kN, kRw, MAP_PRIVATE); }},
       {"rw_over_a_hole", 100,
        [](ChargeScene& s) {
          s.Unmap(s.a + Pages(200), 100);
          s.MapAt(s.a, kN, kRw, MAP_PRIVATE);
          s.counted = -100;
        }},
       {"shared_over_middle", 0,
        [](ChargeScene& s) { s.MapAt(s.a + Pages(kCut), kCut, kRw, MAP_SHARED); }},
       {"rw_over_shared", 0,
        [](ChargeScene& s) { s.MapAt(s.a, kN, kRw, MAP_PRIVATE); }},
       {"noreserve_over_rw", noreserve - kN,
        [](ChargeScene& s) { s.MapAt(s.a, kN, kRw, MAP_PRIVATE | MAP_NORESERVE); }},
       {"none_over_it", -noreserve,
        [](ChargeScene& s) { s.MapAt(s.a, kN, PROT_NONE, MAP_PRIVATE); }}});
}

void AddFiles(ChargeSteps& steps) {
  steps.insert(
      steps.end(),
      {{"file_rw", kN,
        [](ChargeScene& s) {
          s.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
          s.Must(s.fd >= 0, "open of the program");
          s.a = s.Map(kN, kRw, MAP_PRIVATE, s.fd);
        }},
       // Only an anonymous mapping gives back what it lost by mprotect.
       {"file_rw_to_r", 0, [](ChargeScene& s) { s.Protect(s.a, kN, PROT_READ); }},
       {"file_unmap", -kN, [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"file_r", 0,
        [](ChargeScene& s) { s.a = s.Map(kN, PROT_READ, MAP_PRIVATE, s.fd); }},
       {"file_r_to_rw", kN, [](ChargeScene& s) { s.Protect(s.a, kN, kRw); }},
       {"file_touch", 0, [](ChargeScene& s) { s.Touch(s.a, 16); }},
       {"file_grow", kN,
        [](ChargeScene& s) { s.a = s.Remap(s.a, kN, 2 * kN, MREMAP_MAYMOVE); }},
       {"file_unmap_grown", -2 * kN, [](ChargeScene& s) { s.Unmap(s.a, 2 * kN); }},
       {"file_shared_r", 0,
        [](ChargeScene& s) {
          s.a = s.Map(kN, PROT_READ, MAP_SHARED, s.fd);
          s.Unmap(s.a, kN);
          s.CloseFile();
        }},
       {"zero_device_rw", kN,
        [](ChargeScene& s) {
          s.fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
          s.Must(s.fd >= 0, "open of /dev/zero");
          s.a = s.Map(kN, kRw, MAP_PRIVATE, s.fd);
        }},
       {"zero_device_unmap", -kN, [](ChargeScene& s) {
          s.Unmap(s.a, kN);
          s.CloseFile();
        }}});
}

char* Brk(char* to) { return reinterpret_cast<char*>(syscall(SYS_brk, to)); }

void AddGrowing(ChargeSteps& steps) {
  steps.insert(
      steps.end(),
      {{"brk_grow", kN,
        [](ChargeScene& s) {
          s.a = Brk(nullptr);
          s.Must(Brk(s.a + Pages(kN)) == s.a + Pages(kN), "brk");
        }},
       {"brk_part", -kCut, [](ChargeScene& s) { Brk(s.a + Pages(kN - kCut)); }},
       {"brk_shrink", -(kN - kCut), [](ChargeScene& s) { Brk(s.a); }},
       {"growsdown_map", 16,
        [](ChargeScene& s) {
          s.a = s.Hole(kN) + Pages(kN - 16);
          s.MapAt(s.a, 16, kRw, MAP_PRIVATE | MAP_GROWSDOWN);
          s.Unmap(s.a - Pages(kN - 16), kN - 16);
        }},
       {"growsdown_by_one", 1, [](ChargeScene& s) { s.Touch(s.a - Pages(1), 1); }},
       {"growsdown_by_many", 99,
        [](ChargeScene& s) { s.Touch(s.a - Pages(100), 1); }},
       {"growsdown_unmap", -116,
        [](ChargeScene& s) { s.Unmap(s.a - Pages(100), 116); }},
       {"stack_beyond_vmstk", 0, [](ChargeScene& s) {
          const Bytes before = StatusField("VmStk");
          GrowStack<2 << 20>();
          s.counted = (StatusField("VmStk") - before) / kPage;
          s.trace.Set("stack_grew", s.counted);
        }}});
}

ChargeSteps AllSteps(const Params& p, const Facts& f) {
  ChargeSteps steps;
  AddMaps(steps);
  // Mode 2 does not listen to MAP_NORESERVE.
  AddNoreserve(steps, Mode(p) == 2 ? kN : 0);
  AddProtect(steps, ProtectGivesBack(f) ? kN : 0);
  AddRemap(steps);
  AddFixed(steps, Mode(p) == 2 ? kN : 0);
  AddFiles(steps);
  AddGrowing(steps);
  return steps;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  RunSteps(trace, AllSteps(p, f));
}

Oracle Expect(const Params& p, const Facts& f) {
  // Of the 2 MiB, what GrowStack had not yet made.
  return AllOf(StepsHold(AllSteps(p, f)),
               Count("stack_grew", Between<std::int64_t>(300, 512)));
}

const Register kChargeMatrixPrivate{
    {.id = "overcommit/charge_matrix_private",
     .summary = "private mappings: Committed_AS follows each step to the page",
     .explains =
         {.claim = "overcommit.never.charge_matrix, .noreserve_ignored, "
                   ".mprotect_unaccount; seed 1 on the flags of mmap, seed 2 "
                   "on mode 2; Documentation/mm/overcommit-accounting",
          .deed = "maps, protects, moves, cuts, replaces and grows private "
                  "mappings, and reads Committed_AS after each step",
          .functions = "accountable_mapping, mmap_region, mprotect_fixup, "
                       "move_vma, do_brk_flags, acct_stack_growth, "
                       "vm_unacct_memory",
          .look_at = "each value is named after its step; pages that a step "
                     "keeps or gives back too much"},
     .needs = {.alone = true},
     .adjust = AdjustMode,
     .params = {{"mode", {"0", "1", "2"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
