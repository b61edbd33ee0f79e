// SPDX-License-Identifier: Apache-2.0
// What comes back from swap may be changed and go there again: never is an old
// copy taken for the new one, be it written through a mapping that is gone.
#include "oomgate/case.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr std::int64_t kPages = kSize / kPage;
constexpr int kRounds = 3;
constexpr int kPatience = 5000;  // milliseconds

// Different for each page and round, never zero.
std::int64_t Sign(std::int64_t page, int round) {
  return (page + 1) * 16 + round;
}

void Write(const Range& range, int round) {
  for (std::int64_t i = 0; i < kPages; ++i) {
    *NumberAt(range, i * kPage) = Sign(i, round);
  }
}

std::int64_t CountWrong(const Range& range, int round) {
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < kPages; ++i) {
    wrong += *NumberAt(range, i * kPage) == Sign(i, round) ? 0 : 1;
  }
  return wrong;
}

// Read back, so that the copy in swap stays valid; then written.
void Private(Scene& s) {
  const Range range = MapAnonymous(s.trace, kSize);
  s.Set("wrong", 0);
  Write(range, 0);
  for (int round = 1; round <= kRounds; ++round) {
    PageOut(s.trace, range);
    s.trace.Add("wrong", CountWrong(range, round - 1));
    s.trace.Add("back", ReadMapping(range).rss / kPage);
    Write(range, round);
  }
  // Read only, the second time: nothing new to write, and nothing to lose.
  for (int i = 0; i < 2; ++i) {
    PageOut(s.trace, range);
    s.trace.Add("wrong", CountWrong(range, kRounds));
  }
  Unmap(s.trace, range);
}

// Holes that are read are clean pages; that they are written then only the
// page table knows, and unmapping has to tell.
void File(Scene& s) {
  const int fd = MakeMemfd(s.trace, kSize);
  s.Set("wrong", 0);
  for (int round = 0; round < kRounds; ++round) {
    Range range =
        MapFile(s.trace, fd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
    for (std::int64_t i = 0; i < kPages; ++i) {
      const std::int64_t expected = round == 0 ? 0 : Sign(i, round - 1);
      if (*NumberAt(range, i * kPage) != expected) s.trace.Add("wrong", 1);
    }
    Write(range, round);
    Unmap(s.trace, range);
    range = MapFile(s.trace, fd, kSize, PROT_READ, MAP_SHARED);
    s.trace.Add("wrong", CountWrong(range, round));
    PageOut(s.trace, range);
    s.trace.Add("out", MappingField(range, "Swap") / kPage);
    Unmap(s.trace, range);
    for (std::int64_t i = 0; i < kPages; ++i) {
      std::int64_t read = 0;
      if (pread(fd, &read, sizeof read, (i * kPage).count) != sizeof read ||
          read != Sign(i, round)) {
        s.trace.Add("wrong", 1);
      }
    }
  }
  close(fd);
}

// Given up lazily and written again, it is memory like any other: it goes to
// swap, not back and forth.
void GivenUp(Scene& s) {
  const Range range = MapAnonymous(s.trace, kSize);
  Write(range, 0);
  Advise(s.trace, range, MADV_FREE);
  Write(range, 1);
  // The first time it is found to be in use again.
  HoldsWithin(kPatience, [&] {
    TryAdvise(range, MADV_PAGEOUT);
    return ReadMapping(range).swap == kSize;
  });
  s.Set("out", ReadMapping(range).swap / kPage);
  s.Set("wrong", CountWrong(range, 1));
  Unmap(s.trace, range);
}

Steps<Scene> Make(const Params&, const Facts& f) {
  const bool leaves_some = f.kernel < KernelVersion{5, 14};
  const Oracle intact = Count("wrong", 0);
  return {
      StepOf<Scene>("change private pages", Private, intact,
                    Count("back", kRounds * kPages))
          .LeftOut(leaves_some ? "before 5.14 (f4c4a3f48480) the copy of a "
                                 "write left the old page in swap"
                               : ""),
      {"change a file through mappings that go", File, intact,
       Count("out", kRounds * kPages)},
      {"write what MADV_FREE gave up", GivenUp, intact, Count("out", kPages)}};
}

const Register kSwapAgain{
    {.id = "madvise/swap_again",
     .summary = "what is changed after it came from swap goes there anew",
     .claim = "Seed 1: swap; madvise(2), MADV_PAGEOUT: \"the contents of the "
              "region in memory are unchanged\"",
     .functions = "try_to_unmap_one, zap_pte_range, do_swap_page, "
                  "folio_free_swap, shmem_writepage, shmem_swapin_folio",
     .look_at = "wrong: pages with bytes of an earlier round, or none",
     .needs = {.swap = 64_MiB, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
