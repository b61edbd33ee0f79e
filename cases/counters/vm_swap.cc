// SPDX-License-Identifier: Apache-2.0
// What is in swap is counted where it went: out of RssAnon into VmSwap, for the
// machine into SwapFree; a child shares it, and it comes back in.
#include <sys/syscall.h>

#include "cases/counters/statm.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;

Bytes Used() { return Meminfo("SwapTotal") - Meminfo("SwapFree"); }

void Report(Trace& trace, const RssSync& sync, const Range& range, Bytes anon,
            const char* anon_name, const char* swap_name,
            const char* smaps_name) {
  sync.Now();
  trace.Set(anon_name, StatusField("RssAnon") - anon);
  trace.Set(swap_name, StatusField("VmSwap"));
  trace.Set(smaps_name, ReadMapping(range).swap);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();
  const RssSync sync(trace);
  const Range range = MapAnonymous(trace, kSize);
  ReadMapping(range);
  sync.Now();
  const Bytes anon = StatusField("RssAnon");
  const Bytes used = Used();
  const Bytes cached = Meminfo("Cached");
  // Different in each page, and none of them zero.
  WritePages(trace, range);
  for (Bytes at; at < kSize; at += kPage) {
    *reinterpret_cast<std::int64_t*>(range.start + at.count) = at.count + 1;
  }
  const std::int64_t out = Vmstat("pswpout");
  PageOut(trace, range);
  trace.Set("pages_out", Vmstat("pswpout") - out);
  Report(trace, sync, range, anon, "out_anon", "out_swap", "out_smaps");
  trace.Set("out_used", Used() - used);
  trace.Set("out_cached", Meminfo("Cached") - cached);
  trace.Set("out_pss", MappingField(range, "SwapPss"));
  trace.Set("out_rollup", FieldIn("/proc/self/smaps_rollup", "Swap") * 1_KiB);

  Gate end(trace);
  Gate ready(trace);
  const pid_t child = StartChild(trace, [&] {
    trace.Set("child_swap", StatusField("VmSwap"));
    trace.Set("child_smaps", ReadMapping(range).swap);
    trace.Set("child_pss", MappingField(range, "SwapPss"));
    ready.Open();
    end.Pass();
  });
  ready.Pass();
  trace.Set("shared_pss", MappingField(range, "SwapPss"));
  trace.Set("shared_used", Used() - used);
  end.Open();
  Reap(child);

  // A quarter comes back by reading, a quarter by writing, one is dropped.
  const Bytes quarter = kSize / 4;
  ReadPages(trace, range.Part(0_B, quarter));
  WritePages(trace, range.Part(quarter, quarter));
  bool same = true;
  for (Bytes at; at < 2 * quarter; at += kPage) {
    // The writer changed the last byte of the number only.
    const auto read =
        *reinterpret_cast<volatile std::int64_t*>(range.start + at.count);
    same &= (read | 0xff) == ((at.count + 1) | 0xff);
  }
  trace.Set("same", same);
  madvise(range.start + 2 * quarter.count,
          static_cast<std::size_t>(quarter.count), MADV_DONTNEED);
  Report(trace, sync, range, anon, "back_anon", "back_swap", "back_smaps");
  trace.Set("back_cached", Meminfo("Cached") - cached);
  // Given up lazily, what is in swap goes at once.
  trace.Set("free_errno",
            TryAdvise(range.Part(3 * quarter, quarter), MADV_FREE));
  trace.Set("freed_swap", StatusField("VmSwap"));
  Unmap(trace, range);
  trace.Set("end_swap", StatusField("VmSwap"));
  trace.Set("end_used", Used() - used);
}

Oracle Expect(const Params&, const Facts& f) {
  // mm/swap_slots.c, until 6.14: each CPU keeps up to 64 slots to give and 64
  // to free.
  const Bytes slots = f.cpus * 128 * kPage;
  const auto used = [&](const char* name, Bytes size) {
    return Size(name, Between(size - slots, size + slots));
  };
  // Pages that are in swap, too, are no page cache; counters of two kinds lag.
  const Bytes lag = f.cpus * 64 * kPage;
  const auto no_cache = [&](const char* name) {
    return Size(name, Between(0_B - lag, lag));
  };
  return AllOf(Survives(), no_cache("out_cached"), no_cache("back_cached"),
               Count("pages_out",
                     Between<std::int64_t>(kSize / kPage, kSize / kPage * 2)),
               Size("out_anon", Eq(0_B)), Size("out_swap", Eq(kSize)),
               Size("out_smaps", Eq(kSize)), Size("out_pss", Eq(kSize)),
               Size("out_rollup", Eq(kSize)), used("out_used", kSize),
               Size("child_swap", Eq(kSize)), Size("child_smaps", Eq(kSize)),
               Size("child_pss", Eq(kSize / 2)),
               Size("shared_pss", Eq(kSize / 2)), used("shared_used", kSize),
               Count("same", Eq(1)), Size("back_anon", Eq(kSize / 2)),
               Size("back_swap", Eq(kSize / 4)),
               Size("back_smaps", Eq(kSize / 4)), Count("free_errno", Eq(0)),
               Size("freed_swap", Eq(0_B)), Size("end_swap", Eq(0_B)),
               used("end_used", 0_B));
}

const Register kVmSwap{
    {.id = "counters/vm_swap",
     .summary = "VmSwap, smaps and SwapFree agree on what is in swap",
     .explains =
         {.claim = "Seed 1: memory observation, swap; proc(5) VmSwap, SwapPss",
          .deed = "pages 8 MiB out, forks, reads, writes and drops a quarter "
                  "each, frees the rest lazily",
          .functions = "try_to_unmap_one, copy_nonpresent_pte, do_swap_page, "
                       "zap_nonpresent_ptes, swap_free",
          .look_at = "out_anon: RSS forgets to fall; child_swap: fork forgets "
                     "to count; end_used: slots leak"},
     .needs = {.swap = 64_MiB, .alone = true},
     .probe = WhyInexactRss,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
