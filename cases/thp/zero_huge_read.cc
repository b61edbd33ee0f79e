// SPDX-License-Identifier: Apache-2.0
// Reading a huge mapping maps the one huge zero page: a fault and a deposited
// page table for every 2 MiB, no memory, and the same frame everywhere.
#include <fcntl.h>
#include <unistd.h>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 32_MiB;
constexpr std::int64_t kHuge = kSize / kHugePage;

// The bits of /proc/kpageflags that say what a page is.
constexpr std::uint64_t kFlagThp = 1U << 22;
constexpr std::uint64_t kFlagZeroPage = 1U << 24;

std::uint64_t Entry(const char* path, std::uint64_t index) {
  std::uint64_t entry = 0;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  (void)!pread(fd, &entry, sizeof entry,
               static_cast<off_t>(index * sizeof entry));
  close(fd);
  return entry;
}

// The number of the page frame that is mapped there.
std::uint64_t Frame(const char* at) {
  constexpr std::uint64_t kFrameBits = (1ULL << 55) - 1;
  const auto page = reinterpret_cast<std::uintptr_t>(at) /
                    static_cast<std::uintptr_t>(kPage.count);
  return Entry("/proc/self/pagemap", page) & kFrameBits;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range all = MapHuge(trace, kSize + kHugePage);
  // The first one brings the zero page, where none was read before, and the
  // upper levels of the tables.
  ReadPages(trace, all.Part(0_B, kHugePage));
  const Range range = all.Part(kHugePage, kSize);
  HugeEvents events;
  const Usage before = ReadUsage();
  trace.Set("other_bytes", CountOther(range, 0));
  const Usage after = ReadUsage();
  events.Leave(trace, "read");
  const MappingUsage mapped = ReadMapping(all);
  trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  trace.Set("page_tables", after.page_tables - before.page_tables);
  trace.Set("rss", mapped.rss);
  trace.Set("anon_huge", mapped.anon_huge);
  trace.Set("swap", mapped.swap);

  const std::uint64_t first = Frame(all.start);
  std::int64_t same = 0;
  for (std::int64_t i = 0; i < kHuge; ++i) {
    same += Frame(range.start + i * kHugePage.count) == first ? 1 : 0;
  }
  trace.Set("same_frame", same);
  trace.Set("frame_aligned", first % (kHugePage / kPage) == 0 ? 1 : 0);
  const std::uint64_t flags = Entry("/proc/kpageflags", first);
  trace.Set("is_zero_page", (flags & kFlagZeroPage) != 0 ? 1 : 0);
  trace.Set("is_huge_page", (flags & kFlagThp) != 0 ? 1 : 0);

  // Given up, it takes its tables along.
  trace.Set("dontneed", TryAdvise(range, MADV_DONTNEED));
  events.Leave(trace, "given_up");
  trace.Set("page_tables_left", ReadUsage().page_tables - before.page_tables);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), Size("rss", Eq(0_B)), Size("anon_huge", Eq(0_B)),
      Size("swap", Eq(0_B)), Count("other_bytes", Eq(0)),
      // Up to four faults are not ours: text and stack pages.
      Count("minor_faults", Between(kHuge, kHuge + 4)),
      Size("page_tables", Eq(kHuge * kPage)), Happened{}.In("read"),
      AllOf(Count("same_frame", Eq(kHuge)), Count("frame_aligned", Eq(1)),
            Count("is_zero_page", Eq(1)), Count("is_huge_page", Eq(1))),
      Count("dontneed", Eq(0)), Happened{}.In("given_up"),
      Size("page_tables_left", Eq(0_B)));
}

const Register kZeroHugeRead{
    {.id = "thp/zero_huge_read",
     .summary = "reading a huge mapping costs a fault and a table per 2 MiB",
     .explains =
         {.claim = "Seed 0: \"reading does not trigger allocation\", with THP: "
                   "the huge zero page, and its page-table deposit",
          .deed = "reads 32 MiB of huge mappings, gives them up",
          .functions = "do_huge_pmd_anonymous_page, set_huge_zero_folio, "
                       "zap_huge_pmd",
          .look_at = "rss says that reads allocate; page_tables whether the "
                     "deposit is counted, and withdrawn"},
     .needs = HugeGuest(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "page_tables", .better = Better::kLower, .unit = "bytes"},
         {.name = "rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
