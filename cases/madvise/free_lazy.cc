// SPDX-License-Identifier: Apache-2.0
// MADV_FREE gives pages up lazily: they stay readable until memory is wanted,
// then they are dropped without swap; a page written meanwhile is kept.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr Bytes kKept = 3 * kPage;  // written again
constexpr Bytes kBefore = 16 * kPage;

struct Memory : Scene {
  Range shared =
      MapAnonymous(trace, kPage, {.flags = MAP_SHARED | MAP_ANONYMOUS});
  Range locked = MapAnonymous(trace, kPage);
  Range range = MapAnonymous(trace, kSize);
  Range kept = range.Part(kBefore, kKept);
  Range behind = range.Part(kBefore + kKept, kSize - kBefore - kKept);

  Bytes Rss() const { return ReadMapping(range).rss; }
  Bytes Lazy() const { return MappingField(range, "LazyFree"); }
};

auto Free(Range Memory::*what) {
  return [=](Memory& m) { return TryAdvise(m.*what, MADV_FREE); };
}

// Written again, a page is as any other: no fault, and kept.
void WriteKept(Memory& m) {
  const std::int64_t faults = ReadUsage().minor_faults;
  for (char* at = m.kept.start; at < m.kept.end(); at += kPage.count) {
    *static_cast<volatile char*>(at) = 2;
  }
  m.Set("faults", ReadUsage().minor_faults - faults);
}

Steps<Memory> Make(const Params&, const Facts& f) {
  // Pages of a batch that the CPU has not handed on: PAGEVEC_SIZE less one
  // (15), since 6.9 PAGEVEC_SIZE (31) less one of a folio batch.
  const Bytes lag =
      f.cpus * (f.kernel >= KernelVersion{6, 9} ? 31 : 15) * kPage;
  const auto other = [](Range Memory::*what, char expected) {
    return [=](Memory& m) { return CountOther(m.*what, expected); };
  };
  return {
      {"free shared memory",
       [](Memory& m) {
         WritePages(m.trace, m.shared);
         return TryAdvise(m.shared, MADV_FREE);
       },
       Refused(EINVAL), Is("other", other(&Memory::shared, 1), 0)},
      {"lock a page", [](Memory& m) { return TryLock(m.locked); }},
      {"free what is locked", Free(&Memory::locked), Refused(EINVAL)},
      {"unmap it", [](Memory& m) { Unmap(m.trace, m.locked); }},
      {"free what is not mapped", Free(&Memory::locked), Refused(ENOMEM)},

      {"write", [](Memory& m) { WritePages(m.trace, m.range); },
       Is("LazyFree", &Memory::Lazy, 0_B)},
      {"free", Free(&Memory::range),
       Change(
           "tables", [] { return ReadUsage().page_tables; }, 0_B),
       Is("rss", &Memory::Rss, kSize),
       Is(
           "Anonymous",
           [](Memory& m) { return MappingField(m.range, "Anonymous"); }, kSize),
       Is("LazyFree", &Memory::Lazy, Between(kSize - lag, kSize)),
       Is(
           "lag", [](Memory& m) { return kSize - m.Lazy(); }, Le(lag)),
       Is("other", other(&Memory::range, 1), 0)},
      {"write three pages again", WriteKept, Count("faults", Le(2)),
       Change("LazyFree", &Memory::Lazy, 0_B - kKept)},
      {"reclaim", [](Memory& m) { return TryAdvise(m.range, MADV_PAGEOUT); },
       Change(
           "pglazyfreed", [] { return Vmstat("pglazyfreed"); },
           (kSize - kKept) / kPage),
       Change(
           "pswpout", [] { return Vmstat("pswpout"); }, 0),
       Is("rss", &Memory::Rss, kKept),
       Is(
           "swap", [](Memory& m) { return ReadMapping(m.range).swap; }, 0_B),
       Is("LazyFree", &Memory::Lazy, 0_B),
       Is("other kept", other(&Memory::kept, 2), 0),
       Is(
           "other before",
           [](Memory& m) { return CountOther(m.range.Part(0_B, kBefore), 0); },
           0),
       Is("other behind", other(&Memory::behind, 0), 0),
       Is("rss, read", &Memory::Rss, kKept)},
  };
}

const Register kFreeLazy{
    {.id = "madvise/free_lazy",
     .summary = "MADV_FREE: readable until reclaimed, kept where rewritten",
     .claim = "Seed 1: \"MADV_FREE: lazily, RSS does not fall\"",
     .functions = "madvise_free_pte_range, folio_mark_lazyfree, "
                  "try_to_unmap_one, shrink_folio_list",
     .look_at = "after reclaim exactly what was written again must be there, "
                "with its content",
     .suite = Suite::kQuick,
     // Counts lazily freed pages of the whole machine.
     .needs = {.no_swap = true, .alone = true},
     .steps = Make,
     .metrics = {
         Metric::Size("lazy_lag", "free.lag")
             .Within(31 * 4096, "a batch of folios that a CPU holds back")}}};

}  // namespace
}  // namespace oomgate
