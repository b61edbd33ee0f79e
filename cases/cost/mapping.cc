// SPDX-License-Identifier: Apache-2.0
// What the calls cost that change mappings, and the one that sums them up.
#include "cases/cost/rounds.h"

namespace oomgate::cost {
namespace {

constexpr std::int64_t kCalls = 512;  // a round
constexpr Bytes kTables = 1_GiB;      // moved: 512 tables

void ProtectPage(Trace& trace, const Range& page, int prot) {
  if (mprotect(page.start, Length(page.size), prot) != 0) {
    trace.Stop("mprotect", errno);
  }
  trace.Add("done", 1);
}

void MapAndUnmap(Trace& trace, const Facts& f) {
  constexpr std::size_t kSize = Length(kPage);
  MeasureCost(
      trace, f, CostOf::kThread, [] {},
      [&] {
        for (int i = 0; i < kCalls; ++i) {
          void* const at = mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          if (at == MAP_FAILED) trace.Stop("mmap", errno);
          trace.Add("done", munmap(at, kSize) == 0 ? 1 : 0);
        }
      },
      [] {});
}

// Every second page: each call splits a mapping.
void Split(Trace& trace, const Facts& f) {
  Range range;
  MeasureCost(
      trace, f, CostOf::kThread,
      [&] { range = MapAnonymous(trace, 2 * kCalls * kPage); },
      [&] {
        for (int i = 0; i < kCalls; ++i) {
          ProtectPage(trace, range.Part((2 * i + 1) * kPage, kPage), PROT_READ);
        }
      },
      [&] { Unmap(trace, range); });
}

void GrowHeap(Trace& trace, const Facts& f) {
  char* const start = static_cast<char*>(sbrk(0));
  MeasureCost(
      trace, f, CostOf::kThread, [] {},
      [&] {
        for (int i = 1; i <= kCalls; ++i) {
          trace.Add("done", brk(start + i * kPage.count) == 0 ? 1 : 0);
        }
      },
      [&] { brk(start); });
}

// From one place to the other and back, since one way may cost half as much
// again as the other; `offset` from a boundary of 1 GiB. At 0 the kernel moves
// one table of 512 tables, else each by itself.
void Move(Trace& trace, const Facts& f, Bytes offset) {
  constexpr std::size_t kSize = Length(kTables);
  const MapOptions options{.prot = PROT_READ, .align = 1_GiB};
  const Range places[] = {
      MapAnonymous(trace, kTables + offset, options).Part(offset, kTables),
      MapAnonymous(trace, kTables + offset, options).Part(offset, kTables)};
  ReadPages(trace, places[0], kHugePage);
  const auto move = [&](const Range& from, const Range& to) {
    if (mremap(from.start, kSize, kSize, MREMAP_MAYMOVE | MREMAP_FIXED,
               to.start) == MAP_FAILED) {
      trace.Stop("mremap", errno);
    }
  };
  MeasureCost(
      trace, f, CostOf::kThread, [] {},
      [&] {
        move(places[0], places[1]);
        move(places[1], places[0]);
      },
      [&] { trace.Add("done", kCalls); });
}

void SumUp(Trace& trace, const Facts& f) {
  WritePages(trace, MapAnonymous(trace, kCalls * 4 * kPage));
  std::int64_t rss = 0;
  MeasureCost(
      trace, f, CostOf::kThread, [] {},
      [&] { rss = FieldIn("/proc/self/smaps_rollup", "Rss"); },
      [&] {
        trace.Add("done", rss * 1_KiB >= kCalls * 4 * kPage ? kCalls : 0);
      });
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["call"] == "mmap") MapAndUnmap(trace, f);
  if (p["call"] == "mprotect") Split(trace, f);
  if (p["call"] == "brk") GrowHeap(trace, f);
  if (p["call"] == "mremap") Move(trace, f, 0_B);
  if (p["call"] == "mremap_tables") Move(trace, f, kHugePage);
  if (p["call"] == "smaps_rollup") SumUp(trace, f);
}

const Register kMapping{Costs(
    {.id = "cost/mapping",
     .summary = "what mmap, mprotect, brk, mremap, smaps_rollup cost",
     .claim = "Seed 1: each mapping is checked and charged by itself",
     .deed =
         "512 calls in many rounds; mremap moves 1 GiB with 512 tables there "
         "and back, at once or table by table, smaps_rollup sums up 8 MiB",
     .functions = "do_mmap, do_munmap, split_vma, do_brk_flags, "
                  "move_page_tables, smaps_pte_range",
     .params = {{"call",
                 {"mmap", "mprotect", "brk", "mremap", "mremap_tables",
                  "smaps_rollup"}}},
     .subject = Subject,
     .expect = EachRoundDid<kCalls>})};

}  // namespace
}  // namespace oomgate::cost
