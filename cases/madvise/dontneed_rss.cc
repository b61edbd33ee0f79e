// SPDX-License-Identifier: Apache-2.0
// MADV_DONTNEED gives pages up at once, to the page: the mapping and its
// commit charge stay, private memory reads as zero, a file as its content.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr Bytes kMiddle = 4_MiB;

void Anonymous(Trace& trace) {
  MapOptions options;
  options.flags = MAP_PRIVATE | MAP_ANONYMOUS;  // charged as committed
  const Range range = MapAnonymous(trace, kSize, options);
  WritePages(trace, range);
  const MappingUsage full = ReadMapping(range);
  trace.Set("full_rss", full.rss);
  trace.Set("full_accounted", full.accounted);

  // Less than a page is a page; nothing is nothing; an odd start is wrong.
  trace.Set("byte_errno", TryAdvise(range.Part(kPage, 1_B), MADV_DONTNEED));
  trace.Set("byte_rss", ReadMapping(range).rss);
  trace.Set("none_errno", TryAdvise(range.Part(0_B, 0_B), MADV_DONTNEED));
  trace.Set("odd_errno", TryAdvise(range.Part(1_B, kPage), MADV_DONTNEED));
  trace.Set("none_rss", ReadMapping(range).rss);

  const Range middle = range.Part(kMiddle, kMiddle);
  trace.Set("middle_errno", TryAdvise(middle, MADV_DONTNEED));
  trace.Set("middle_rss", ReadMapping(range).rss);
  const std::int64_t faults = ReadUsage().minor_faults;
  trace.Set("middle_other", CountOther(middle, 0));
  trace.Set("middle_faults", ReadUsage().minor_faults - faults);
  trace.Set("read_rss", ReadMapping(range).rss);
  trace.Set("rest_other",
            CountOther(range.Part(0_B, kPage), 1) +
                CountOther(range.Part(2 * kPage, kMiddle - 2 * kPage), 1) +
                CountOther(range.Part(2 * kMiddle, kSize - 2 * kMiddle), 1));

  trace.Set("all_errno", TryAdvise(range, MADV_DONTNEED));
  const MappingUsage empty = ReadMapping(range);
  trace.Set("all_rss", empty.rss);
  trace.Set("all_anonymous", MappingField(range, "Anonymous"));
  trace.Set("all_mappings", empty.mappings);
  trace.Set("all_accounted", empty.accounted);
  trace.Set("all_other", CountOther(range, 0));
  WritePages(trace, range.Part(0_B, kMiddle));
  trace.Set("again_rss", ReadMapping(range).rss);
  Unmap(trace, range);
}

constexpr Bytes kShared = 1_MiB;

// Shared memory is only unmapped: its content stays, and comes back.
void Shared(Trace& trace) {
  MapOptions options;
  options.flags = MAP_SHARED | MAP_ANONYMOUS;
  const Range range = MapAnonymous(trace, kShared, options);
  WritePages(trace, range);
  trace.Set("shared_errno", TryAdvise(range, MADV_DONTNEED));
  trace.Set("shared_rss", ReadMapping(range).rss);
  trace.Set("shared_other", CountOther(range, 1));
  trace.Set("shared_again", ReadMapping(range).rss);
  Unmap(trace, range);
}

// A page of a file that was written privately is the file's again.
void File(Trace& trace) {
  const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  void* const at = mmap(nullptr, static_cast<std::size_t>(kPage.count),
                        PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  close(fd);
  if (at == MAP_FAILED) trace.Stop("mmap of the program", errno);
  const Range range{.start = static_cast<char*>(at), .size = kPage};
  constexpr char kElf = 0x7f;
  trace.Set("file_first", CountOther(range, kElf));
  *static_cast<volatile char*>(range.start) = 1;
  trace.Set("file_written", CountOther(range, 1));
  trace.Set("file_errno", TryAdvise(range, MADV_DONTNEED));
  trace.Set("file_back", CountOther(range, kElf));
  munmap(at, static_cast<std::size_t>(kPage.count));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Anonymous(trace);
  Shared(trace);
  File(trace);
}

Oracle Expect(const Params&, const Facts&) {
  const std::int64_t middle = kMiddle / kPage;
  const Oracle pages =
      AllOf(Size("full_rss", Eq(kSize)), Size("full_accounted", Eq(kSize)),
            Count("byte_errno", Eq(0)), Size("byte_rss", Eq(kSize - kPage)),
            Count("none_errno", Eq(0)), Count("odd_errno", Eq(EINVAL)),
            Size("none_rss", Eq(kSize - kPage)));
  const Oracle part =
      AllOf(Count("middle_errno", Eq(0)),
            Size("middle_rss", Eq(kSize - kPage - kMiddle)),
            Count("middle_other", Eq(0)),
            Size("read_rss", Eq(kSize - kPage - kMiddle)),
            // Up to four faults are not ours: text and stack pages.
            Count("middle_faults", Between(middle, middle + 4)),
            Count("rest_other", Eq(0)));
  const Oracle all =
      AllOf(Count("all_errno", Eq(0)), Size("all_rss", Eq(0_B)),
            Size("all_anonymous", Eq(0_B)), Count("all_mappings", Eq(1)),
            Size("all_accounted", Eq(kSize)), Count("all_other", Eq(0)),
            Size("again_rss", Eq(kMiddle)));
  const Oracle shared =
      AllOf(Count("shared_errno", Eq(0)), Size("shared_rss", Eq(0_B)),
            Count("shared_other", Eq(0)), Size("shared_again", Eq(kShared)));
  const Oracle file =
      AllOf(Count("file_first", Eq(0)), Count("file_written", Eq(0)),
            Count("file_errno", Eq(0)), Count("file_back", Eq(0)));
  return AllOf(Survives(), pages, part, all, shared, file);
}

const Register kDontneedRss{
    {.id = "madvise/dontneed_rss",
     .summary = "MADV_DONTNEED frees at once, to the page; the mapping stays",
     .explains =
         {.claim = "Seed 1: \"MADV_DONTNEED: frees immediately, RSS falls\"",
          .deed = "writes 16 MiB, gives up a byte, a part, all; and the same "
                  "of shared memory and of a private file mapping",
          .functions = "madvise_dontneed_single_vma, zap_pte_range",
          .look_at = "<part>_rss: what stayed; <part>_other: bytes that are "
                     "not what they must be"},
     .suite = Suite::kQuick,
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "all_rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
