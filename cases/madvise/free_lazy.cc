// SPDX-License-Identifier: Apache-2.0
// MADV_FREE gives pages up lazily: they stay readable until memory is wanted,
// then they are dropped without swap; a page written meanwhile is kept.
#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr std::int64_t kKept = 3;  // pages written again

void Errors(Trace& trace) {
  MapOptions options;
  options.flags = MAP_SHARED | MAP_ANONYMOUS;
  const Range shared = MapAnonymous(trace, kPage, options);
  WritePages(trace, shared);
  trace.Set("shared_errno", TryAdvise(shared, MADV_FREE));
  trace.Set("shared_other", CountOther(shared, 1));
  Unmap(trace, shared);

  const Range locked = MapAnonymous(trace, kPage);
  if (mlock(locked.start, static_cast<std::size_t>(kPage.count)) != 0) {
    trace.Stop("mlock", errno);
  }
  trace.Set("locked_errno", TryAdvise(locked, MADV_FREE));
  Unmap(trace, locked);
  trace.Set("unmapped_errno", TryAdvise(locked, MADV_FREE));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Errors(trace);
  const Range range = MapAnonymous(trace, kSize);
  WritePages(trace, range);
  trace.Set("written_lazy", MappingField(range, "LazyFree"));
  const Usage before = ReadUsage();
  trace.Set("free_errno", TryAdvise(range, MADV_FREE));
  const MappingUsage freed = ReadMapping(range);
  const Bytes lazy = MappingField(range, "LazyFree");
  trace.Set("free_rss", freed.rss);
  trace.Set("free_anonymous", MappingField(range, "Anonymous"));
  trace.Set("lazy", lazy);
  trace.Set("lazy_lag", kSize - lazy);
  trace.Set("still_other", CountOther(range, 1));
  trace.Set("tables", ReadUsage().page_tables - before.page_tables);

  // Written again, a page is as any other: no fault, and kept.
  const Range kept = range.Part(16 * kPage, kKept * kPage);
  const std::int64_t faults = ReadUsage().minor_faults;
  for (std::int64_t i = 0; i < kKept; ++i) {
    *static_cast<volatile char*>(kept.start + i * kPage.count) = 2;
  }
  trace.Set("kept_faults", ReadUsage().minor_faults - faults);
  trace.Set("kept_lazy", lazy - MappingField(range, "LazyFree"));

  const std::int64_t freed_lazily = Vmstat("pglazyfreed");
  const std::int64_t swapped = Vmstat("pswpout");
  trace.Set("pageout_errno", TryAdvise(range, MADV_PAGEOUT));
  trace.Set("pageout_freed", Vmstat("pglazyfreed") - freed_lazily);
  trace.Set("pageout_swapped", Vmstat("pswpout") - swapped);
  const MappingUsage gone = ReadMapping(range);
  trace.Set("gone_rss", gone.rss);
  trace.Set("gone_swap", gone.swap);
  trace.Set("gone_lazy", MappingField(range, "LazyFree"));
  trace.Set("kept_other", CountOther(kept, 2));
  trace.Set("gone_other",
            CountOther(range.Part(0_B, 16 * kPage), 0) +
                CountOther(range.Part((16 + kKept) * kPage,
                                      kSize - (16 + kKept) * kPage),
                           0));
  trace.Set("read_rss", ReadMapping(range).rss);
  Unmap(trace, range);
}

Oracle Expect(const Params&, const Facts& f) {
  // Pages of a batch that the CPU has not handed on: PAGEVEC_SIZE less one
  // (15), since 6.9 PAGEVEC_SIZE (31) less one of a folio batch.
  const Bytes lag =
      f.cpus * (f.kernel >= KernelVersion{6, 9} ? 31 : 15) * kPage;
  const Bytes kept = kKept * kPage;
  const Oracle errors = AllOf(
      Count("shared_errno", Eq(EINVAL)), Count("shared_other", Eq(0)),
      Count("locked_errno", Eq(EINVAL)), Count("unmapped_errno", Eq(ENOMEM)));
  const Oracle freed =
      AllOf(Size("written_lazy", Eq(0_B)), Count("free_errno", Eq(0)),
            Size("free_rss", Eq(kSize)), Size("free_anonymous", Eq(kSize)),
            Size("lazy", Between(kSize - lag, kSize)),
            Count("still_other", Eq(0)), Size("tables", Eq(0_B)));
  const Oracle rewritten =
      AllOf(Count("kept_faults", Le(2)), Size("kept_lazy", Eq(kept)));
  const Oracle gone =
      AllOf(Count("pageout_errno", Eq(0)), Count("pageout_swapped", Eq(0)),
            Count("pageout_freed", Eq((kSize - kept) / kPage)),
            Size("gone_rss", Eq(kept)), Size("gone_swap", Eq(0_B)),
            Size("gone_lazy", Eq(0_B)), Count("kept_other", Eq(0)),
            Count("gone_other", Eq(0)), Size("read_rss", Eq(kept)));
  return AllOf(Survives(), errors, freed, rewritten, gone);
}

const Register kFreeLazy{
    {.id = "madvise/free_lazy",
     .summary = "MADV_FREE: readable until reclaimed, kept where rewritten",
     .explains =
         {.claim = "Seed 1: \"MADV_FREE: lazily, RSS does not fall\"",
          .deed = "writes 16 MiB, frees them lazily, writes three pages again, "
                  "reclaims all",
          .functions = "madvise_free_pte_range, folio_mark_lazyfree, "
                       "try_to_unmap_one, shrink_folio_list",
          .look_at = "gone_rss and kept_other: exactly what was written again "
                     "must be there, with its content"},
     .suite = Suite::kQuick,
     // Counts lazily freed pages of the whole machine.
     .needs = {.no_swap = true, .alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "lazy_lag",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 31 * 4096,
                  .cause = "a batch of folios that a CPU holds back"}}}};

}  // namespace
}  // namespace oomgate
