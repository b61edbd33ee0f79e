// SPDX-License-Identifier: Apache-2.0
// What is in swap is counted where it went: out of RssAnon into VmSwap, for the
// machine into SwapFree; a child shares it, and it comes back in.
#include "cases/counters/readings.h"
#include "cases/counters/statm.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;
constexpr Bytes kQuarter = kSize / 4;

Bytes VmSwap() { return StatusField("VmSwap"); }

struct Memory : Scene {
  RssSync sync{trace};
  Range range = MapAnonymous(trace, kSize);
  Bytes used_before = {};
  Bytes cached_before = {};
  Bytes anon_before = {};
  Gate ready{trace};
  Gate end{trace};
  pid_t child = -1;

  Bytes Used() const {
    return Meminfo("SwapTotal") - Meminfo("SwapFree") - used_before;
  }
  Bytes Cached() const { return Meminfo("Cached") - cached_before; }
  Bytes Anon() const {
    sync.Now();
    return StatusField("RssAnon") - anon_before;
  }
  Bytes Swap() const { return ReadMapping(range).swap; }
  Bytes Pss() const { return MappingField(range, "SwapPss"); }

  void Begin() {
    MapCode();
    Swap();
    anon_before = Anon();
    used_before = Used();
    cached_before = Cached();
    WritePages(trace, range);
    NumberPages(range);
  }
  void Fork() {
    child = StartChild(trace, [&] {
      Set("its VmSwap", VmSwap());
      Set("its swap", Swap());
      Set("its pss", Pss());
      ready.Open();
      end.Pass();
    });
    ready.Pass();
  }
  // A quarter comes back by reading, a quarter by writing, one is dropped.
  void BringBack() {
    end.Open();
    Reap(child);
    ReadPages(trace, range.Part(0_B, kQuarter));
    WritePages(trace, range.Part(kQuarter, kQuarter));
    std::int64_t wrong = 0;
    for (Bytes at; at < 2 * kQuarter; at += kPage) {
      // The writer changed the last byte of the number only.
      wrong += (*NumberAt(range, at) | 0xff) != ((at.count + 1) | 0xff);
    }
    Set("wrong", wrong);
    Advise(trace, range.Part(2 * kQuarter, kQuarter), MADV_DONTNEED);
  }
};

Steps<Memory> Make(const Params&, const Facts& f) {
  // mm/swap_slots.c, until 6.14: each CPU keeps up to 64 slots to give and 64
  // to free.
  const Bytes slots = f.cpus * 128 * kPage;
  const auto used = [&](Bytes size) {
    return Row<Memory>("used", &Memory::Used,
                       Between(size - slots, size + slots));
  };
  // Pages that are in swap, too, are no page cache; counters of two kinds lag.
  const Bytes lag = f.cpus * 64 * kPage;
  const Row<Memory> no_cache("cached", &Memory::Cached,
                             Between(0_B - lag, lag));
  constexpr std::int64_t kPages = kSize / kPage;
  return {
      {"write 8 MiB", &Memory::Begin, Is("anon", &Memory::Anon, kSize)},
      {"page them out", [](Memory& m) { PageOut(m.trace, m.range); },
       Change("pswpout", InVmstat("pswpout"), Between(kPages, 2 * kPages)),
       Is("anon", &Memory::Anon, 0_B), Is("VmSwap", VmSwap, kSize),
       Is("swap", &Memory::Swap, kSize), used(kSize), no_cache,
       Is("pss", &Memory::Pss, kSize), Is("rollup", InRollup("Swap"), kSize)},
      {"fork", &Memory::Fork, Size("its VmSwap", kSize),
       Size("its swap", kSize), Size("its pss", kSize / 2),
       Is("pss", &Memory::Pss, kSize / 2), used(kSize)},
      {"read, write and drop a quarter each", &Memory::BringBack,
       Count("wrong", 0), Is("anon", &Memory::Anon, kSize / 2),
       Is("VmSwap", VmSwap, kQuarter), Is("swap", &Memory::Swap, kQuarter),
       no_cache},
      // What is in swap goes at once.
      {"free the last quarter lazily",
       [](Memory& m) {
         return TryAdvise(m.range.Part(3 * kQuarter, kQuarter), MADV_FREE);
       },
       Is("VmSwap", VmSwap, 0_B)},
      {"unmap all", [](Memory& m) { return TryUnmap(m.range); },
       Is("VmSwap", VmSwap, 0_B), Is("anon", &Memory::Anon, 0_B), used(0_B)},
  };
}

const Register kVmSwap{
    {.id = "counters/vm_swap",
     .summary = "VmSwap, smaps and SwapFree agree on what is in swap",
     .claim = "Seed 1: memory observation, swap; proc(5) VmSwap, SwapPss",
     .functions = "try_to_unmap_one, copy_nonpresent_pte, do_swap_page, "
                  "zap_nonpresent_ptes, swap_free",
     .look_at = "anon: RSS forgets to fall; its VmSwap: fork forgets to count; "
                "used in the end: slots leak",
     .needs = {.swap = 64_MiB, .alone = true},
     .probe = WhyInexactRss,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
