// SPDX-License-Identifier: Apache-2.0
// mincore tells which pages are in memory, whoever brought them; of a file that
// the caller may not write it tells nothing: all pages seem to be there.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 16;
constexpr std::int64_t kWritten = 5;
constexpr std::int64_t kRead = 3;
constexpr Bytes kSize = kPages * kPage;
constexpr uid_t kNobody = 65534;

// How many pages are in memory, or -errno.
std::int64_t Resident(char* at, Bytes size) {
  unsigned char resident[kPages] = {};
  if (mincore(at, static_cast<std::size_t>(size.count), resident) != 0) {
    return -errno;
  }
  std::int64_t pages = 0;
  for (const unsigned char page : resident) pages += page & 1;
  return pages;
}
std::int64_t Resident(const Range& range) {
  return Resident(range.start, range.size);
}

void Private(Trace& trace) {
  const Range range = MapAnonymous(trace, kSize);
  trace.Set("untouched", Resident(range));
  WritePages(trace, range.Part(0_B, kWritten * kPage));
  CountOther(range.Part(8 * kPage, kRead * kPage), 0);
  trace.Set("touched", Resident(range));
  TryAdvise(range.Part(0_B, kPage), MADV_DONTNEED);
  trace.Set("given_up", Resident(range));
  trace.Set("odd", Resident(range.start + 1, kPage));
  // A byte of a page is the page.
  trace.Set("part", Resident(range.start, 2 * kPage + 1_B));
  const Range hole = range.Part(10 * kPage, kPage);
  munmap(hole.start, static_cast<std::size_t>(hole.size.count));
  trace.Set("hole", Resident(range));
  Unmap(trace, range);
}

// What another one brought into a file is there for all who map it.
void OfOthers(Trace& trace) {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  if (file < 0 || ftruncate(file, kSize.count) != 0 ||
      fchmod(file, 0644) != 0) {
    trace.Stop("memfd", errno);
  }
  const Range range =
      MapFile(trace, file, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
  trace.Set("file_empty", Resident(range));
  trace.Set("child", Reap(StartChild(trace, [&] {
              WritePages(trace, range.Part(0_B, kWritten * kPage));
            })));
  trace.Set("file_written", Resident(range));
  trace.Set("nobody_child", Reap(StartChild(trace, [&] {
              if (setresuid(kNobody, kNobody, kNobody) != 0) {
                trace.Stop("setresuid", errno);
              }
              trace.Set("nobody_sees", Resident(range));
              // One's own memory is no file of others.
              trace.Set("nobody_own", Resident(MapAnonymous(trace, kSize)));
            })));
  // Open for it or not: who may write to the file is told.
  fchmod(file, 0666);
  trace.Set("writer_child", Reap(StartChild(trace, [&] {
              if (setresuid(kNobody, kNobody, kNobody) != 0) {
                trace.Stop("setresuid", errno);
              }
              trace.Set("writer_sees", Resident(range));
            })));
  Unmap(trace, range);
  close(file);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Private(trace);
  OfOthers(trace);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(),
      AllOf(Count("untouched", Eq(0)), Count("touched", Eq(kWritten + kRead)),
            Count("given_up", Eq(kWritten + kRead - 1)),
            Count("odd", Eq(-EINVAL)), Count("part", Eq(2)),
            Count("hole", Eq(-ENOMEM))),
      AllOf(Count("file_empty", Eq(0)), Count("child", Eq(0)),
            Count("file_written", Eq(kWritten)), Count("nobody_child", Eq(0)),
            Count("nobody_sees", Eq(kPages)), Count("nobody_own", Eq(0)),
            Count("writer_child", Eq(0)), Count("writer_sees", Eq(kWritten))));
}

const Register kMincore{
    {.id = "counters/mincore",
     .summary = "mincore tells what is in memory, but not of others' files",
     .explains =
         {.claim = "Seed 1: memory observation; mincore(2)",
          .deed = "asks for private memory and for a file, as who may write "
                  "to it and as who may not",
          .functions = "do_mincore, mincore_pte_range, can_do_mincore",
          .look_at = "nobody_sees below all 16: what others have in memory "
                     "leaks to who cannot write there (134fca9063ad, 5.2)"},
     .suite = Suite::kQuick,
     // Who becomes nobody must have been root.
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
