// SPDX-License-Identifier: Apache-2.0
// MADV_COLD only marks: as not used; MADV_PAGEOUT swaps out at once: to the
// page where there is swap, nothing where there is none. Content survives both.
#include <cerrno>

#include "oomgate/case.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr Bytes kZeroSize = 4_MiB;

Bytes Free() { return Meminfo("SwapFree"); }

// Pages that another process maps too stay.
void Shared(Trace& trace) {
  const Range range = MapAnonymous(trace, 64 * kPage);
  WritePages(trace, range);
  Gate done(trace);
  const pid_t child = StartChild(trace, [&] { done.Pass(); });
  trace.Set("shared_errno", TryAdvise(range, MADV_PAGEOUT));
  trace.Set("shared_rss", ReadMapping(range).rss);
  done.Open();
  Reap(child);
  Unmap(trace, range);
}

// Pages that hold nothing but zeroes.
void Zeroes(Trace& trace) {
  const Range range = MapAnonymous(trace, kZeroSize);
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    *static_cast<volatile char*>(at) = 0;
  }
  const std::int64_t zeroes = Vmstat("swpout_zero");
  const std::int64_t swapped = Vmstat("pswpout");
  trace.Set("zero_errno", TryAdvise(range, MADV_PAGEOUT));
  AwaitWriteback(trace);
  trace.Set("zero_counted", Vmstat("swpout_zero") - zeroes);
  trace.Set("zero_swapped", Vmstat("pswpout") - swapped);
  trace.Set("zero_rss", ReadMapping(range).rss);
  trace.Set("zero_swap", ReadMapping(range).swap);
  trace.Set("zero_other", CountOther(range, 0));
  Unmap(trace, range);
}

void Locked(Trace& trace) {
  const Range range = MapAnonymous(trace, kPage);
  if (mlock(range.start, static_cast<std::size_t>(kPage.count)) != 0) {
    trace.Stop("mlock", errno);
  }
  trace.Set("locked_pageout_errno", TryAdvise(range, MADV_PAGEOUT));
  trace.Set("locked_cold_errno", TryAdvise(range, MADV_COLD));
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Locked(trace);
  Shared(trace);
  const Range range = MapAnonymous(trace, kSize);
  WritePages(trace, range);
  const std::int64_t swapped = Vmstat("pswpout");
  trace.Set("warm", MappingField(range, "Referenced"));
  trace.Set("cold_errno", TryAdvise(range, MADV_COLD));
  trace.Set("cold", MappingField(range, "Referenced"));
  trace.Set("cold_rss", ReadMapping(range).rss);
  trace.Set("cold_swapped", Vmstat("pswpout") - swapped);
  CountOther(range.Part(0_B, kSize / 2), 1);
  trace.Set("half_warm", MappingField(range, "Referenced"));

  const Bytes free = Free();
  trace.Set("pageout_errno", TryAdvise(range, MADV_PAGEOUT));
  AwaitWriteback(trace);
  const MappingUsage out = ReadMapping(range);
  trace.Set("out_rss", out.rss);
  trace.Set("out_swap", out.swap);
  trace.Set("out_mappings", out.mappings);
  trace.Set("out_swapped", Vmstat("pswpout") - swapped);
  trace.Set("out_vmswap", StatusField("VmSwap"));
  trace.Set("out_taken", free - Free());

  const Range half = range.Part(0_B, kSize / 2);
  trace.Set("in_other", CountOther(half, 1));
  trace.Set("in_rss", ReadMapping(range).rss);
  trace.Set("in_swap", ReadMapping(range).swap);
  // What is given up leaves the swap as well.
  trace.Set("dontneed_errno", TryAdvise(range, MADV_DONTNEED));
  trace.Set("left_rss", ReadMapping(range).rss);
  trace.Set("left_swap", ReadMapping(range).swap);
  trace.Set("left_other", CountOther(range, 0));
  Unmap(trace, range);
  Zeroes(trace);
}

Oracle Expect(const Params& p, const Facts& f) {
  const bool swap = p["swap"] != "0";
  const Bytes out = swap ? kSize : 0_B;
  const std::int64_t zeroes = swap ? kZeroSize / kPage : 0;
  // 0ca0c24e3211 (6.12): zero-filled pages are noted, not written.
  const bool notes = f.kernel >= KernelVersion{6, 12};
  // f1a7941243c1 (6.2) counts on each CPU, up to 82241a83cd15 (6.16) read
  // without what they hold back.
  const bool batches =
      f.kernel >= KernelVersion{6, 2} && f.kernel < KernelVersion{6, 16};
  const Bytes lag = batches && swap ? f.cpus * 32 * kPage : 0_B;
  const Oracle refused =
      AllOf(Count("locked_pageout_errno", Eq(EINVAL)),
            Count("locked_cold_errno", Eq(EINVAL)),
            Count("shared_errno", Eq(0)), Size("shared_rss", Eq(64 * kPage)));
  const Oracle cold =
      AllOf(Count("cold_errno", Eq(0)), Size("cold_rss", Eq(kSize)),
            Count("cold_swapped", Eq(0)), Size("warm", Eq(kSize)),
            Size("cold", Eq(0_B)), Size("half_warm", Eq(kSize / 2)));
  const Oracle gone =
      AllOf(Count("pageout_errno", Eq(0)), Size("out_rss", Eq(kSize - out)),
            Size("out_swap", Eq(out)), Count("out_mappings", Eq(1)),
            Count("out_swapped", Eq(out / kPage)),
            Size("out_vmswap", Between(out - lag, out + lag)));
  const Oracle back =
      AllOf(Count("in_other", Eq(0)), Size("in_rss", Eq(kSize - out / 2)),
            Size("in_swap", Eq(out / 2)), Count("dontneed_errno", Eq(0)),
            Size("left_rss", Eq(0_B)), Size("left_swap", Eq(0_B)),
            Count("left_other", Eq(0)));
  const Oracle zero =
      AllOf(Count("zero_errno", Eq(0)), Count("zero_other", Eq(0)),
            Count("zero_counted", Eq(notes ? zeroes : 0)),
            Count("zero_swapped", Eq(notes ? 0 : zeroes)),
            Size("zero_rss", Eq(swap ? 0_B : kZeroSize)),
            Size("zero_swap", Eq(swap ? kZeroSize : 0_B)));
  return AllOf(Survives(), refused, cold, gone, back, zero);
}

const Register kPageoutCold{
    {.id = "madvise/pageout_cold",
     .summary = "MADV_PAGEOUT swaps out at once, MADV_COLD does not",
     .explains =
         {.claim = "Seed 1: the list of madvise, and swap; madvise(2), "
                   "MADV_COLD and MADV_PAGEOUT",
          .deed = "writes 16 MiB, makes them cold, pages them out, reads half "
                  "of it; and 4 MiB of zeroes, shared and locked pages",
          .functions = "madvise_cold_or_pageout_pte_range, reclaim_pages, "
                       "swap_writepage",
          .look_at = "out_rss and out_swap; in_other: bytes that did not come "
                     "back as they were; warm, cold: Referenced of smaps"},
     // Counts swapped pages of the whole machine.
     .needs = {.alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           instance.needs.swap = p.Size("swap");
           instance.needs.no_swap = p["swap"] == "0";
         },
     .params = {{"swap", {"0", "64m"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "out_rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
