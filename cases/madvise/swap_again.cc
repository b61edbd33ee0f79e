// SPDX-License-Identifier: Apache-2.0
// What comes back from swap may be changed and go there again: never is an old
// copy taken for the new one, be it written through a mapping that is gone.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

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
void Private(Trace& trace) {
  const Range range = MapAnonymous(trace, kSize);
  Write(range, 0);
  for (int round = 1; round <= kRounds; ++round) {
    PageOut(trace, range);
    trace.Add("private_wrong", CountWrong(range, round - 1));
    trace.Add("private_back", ReadMapping(range).rss / kPage);
    Write(range, round);
  }
  PageOut(trace, range);
  // Read only: nothing new to write, and nothing to lose.
  trace.Add("private_wrong", CountWrong(range, kRounds));
  PageOut(trace, range);
  trace.Add("private_wrong", CountWrong(range, kRounds));
  Unmap(trace, range);
}

// Given up lazily and written again, it is memory like any other: it goes to
// swap, not back and forth.
void GivenUp(Trace& trace) {
  const Range range = MapAnonymous(trace, kSize);
  Write(range, 0);
  if (TryAdvise(range, MADV_FREE) != 0) trace.Stop("MADV_FREE", errno);
  Write(range, 1);
  // The first time it is found to be in use again.
  HoldsWithin(kPatience, [&] {
    TryAdvise(range, MADV_PAGEOUT);
    return ReadMapping(range).swap == kSize;
  });
  trace.Set("given_up_out", ReadMapping(range).swap / kPage);
  trace.Set("given_up_wrong", CountWrong(range, 1));
  Unmap(trace, range);
}

// Holes that are read are clean pages; that they are written then only the
// page table knows, and unmapping has to tell.
void File(Trace& trace) {
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "again", 0U));
  if (fd < 0 || ftruncate(fd, kSize.count) != 0) trace.Stop("memfd", errno);
  for (int round = 0; round < kRounds; ++round) {
    Range range = MapFile(trace, fd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
    for (std::int64_t i = 0; i < kPages; ++i) {
      const std::int64_t expected = round == 0 ? 0 : Sign(i, round - 1);
      if (*NumberAt(range, i * kPage) != expected) trace.Add("file_wrong", 1);
    }
    Write(range, round);
    Unmap(trace, range);
    range = MapFile(trace, fd, kSize, PROT_READ, MAP_SHARED);
    trace.Add("file_wrong", CountWrong(range, round));
    PageOut(trace, range);
    trace.Add("file_out", MappingField(range, "Swap") / kPage);
    Unmap(trace, range);
    for (std::int64_t i = 0; i < kPages; ++i) {
      std::int64_t read = 0;
      if (pread(fd, &read, sizeof read, (i * kPage).count) != sizeof read ||
          read != Sign(i, round)) {
        trace.Add("file_wrong", 1);
      }
    }
  }
  close(fd);
}

// Before f4c4a3f48480 (5.14) the copy that a write makes left the old page in
// swap, idle, until it was reclaimed.
bool LeavesNone(const Facts& f) { return f.kernel >= KernelVersion{5, 14}; }

void Subject(Trace& trace, const Params&, const Facts& f) {
  trace.Set("private_wrong", 0);
  trace.Set("private_back", 0);
  trace.Set("file_wrong", 0);
  if (LeavesNone(f)) Private(trace);
  File(trace);
  GivenUp(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  return AllOf(
      Survives(), Count("private_wrong", Eq(0)),
      Count("private_back", Eq(LeavesNone(f) ? kRounds * kPages : 0)),
      Count("file_wrong", Eq(0)), Count("file_out", Eq(kRounds * kPages)),
      Count("given_up_out", Eq(kPages)), Count("given_up_wrong", Eq(0)));
}

const Register kSwapAgain{
    {.id = "madvise/swap_again",
     .summary = "what is changed after it came from swap goes there anew",
     .explains =
         {.claim = "Seed 1: swap; madvise(2), MADV_PAGEOUT: \"the contents of "
                   "the region in memory are unchanged\"",
          .deed = "pages out, reads, writes and pages out again private pages "
                  "and a memfd, which is unmapped in between; and what "
                  "MADV_FREE gave up",
          .functions = "try_to_unmap_one, zap_pte_range, do_swap_page, "
                       "folio_free_swap, shmem_writepage, shmem_swapin_folio",
          .look_at = "…_wrong are pages with bytes of an earlier round, or "
                     "none"},
     .needs = {.swap = 64_MiB, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
