// SPDX-License-Identifier: Apache-2.0
// Reading a huge mapping maps the one huge zero page: a fault and a deposited
// page table for every 2 MiB, no memory, and the same frame everywhere.
#include "cases/thp/huge.h"
#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 32_MiB;
constexpr std::int64_t kHuge = kSize / kHugePage;
// Bits of /proc/kpageflags.
constexpr int kFlagThp = 22;
constexpr int kFlagZeroPage = 24;

struct Memory : Scene {
  Range all = MapHuge(trace, kSize + kHugePage);
  Range range = all.Part(kHugePage, kSize);

  std::uint64_t First() const { return Frame(all.start); }
  template <int kFlag>
  int FirstHas() const {
    std::uint64_t flags = 0;
    const int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
    (void)!pread(fd, &flags, sizeof flags,
                 static_cast<off_t>(First() * sizeof flags));
    close(fd);
    return flags >> kFlag & 1;
  }
  int Aligned() const {
    return First() != 0 && First() % (kHugePage / kPage) == 0;
  }
  std::int64_t SameFrame() const {
    std::int64_t same = 0;
    for (std::int64_t i = 0; i < kHuge; ++i) {
      same += Frame(range.start + i * kHugePage.count) == First() ? 1 : 0;
    }
    return same;
  }
};

// Brings the zero page, where there is none yet, and the tables' upper levels.
void ReadFirst(Memory& m) { ReadPages(m.trace, m.all.Part(0_B, kHugePage)); }

void ReadRest(Memory& m) {
  std::int64_t other = 0;
  m.Set("faults", FaultsOf([&] { other = CountOther(m.range, 0); }));
  m.Set("other", other);
}

Steps<Memory> Make(const Params&, const Facts&) {
  return {
      {"read a huge page", ReadFirst, Is("aligned", &Memory::Aligned, 1),
       Is("is zero page", &Memory::FirstHas<kFlagZeroPage>, 1),
       Is("is huge", &Memory::FirstHas<kFlagThp>, 1)},
      // Up to four faults are not ours: text and stack pages.
      {"read 32 MiB", ReadRest, Count("faults", Between(kHuge, kHuge + 4)),
       Change("tables", Tables, kHuge * kPage), Happened{}, Count("other", 0),
       Rss(&Memory::all, 0_B), Huge(&Memory::all, 0_B), Swap(&Memory::all, 0_B),
       Is("same frame", &Memory::SameFrame, kHuge)},
      {"give them up", Advise(&Memory::range, MADV_DONTNEED),
       Change("tables", Tables, 0_B - kHuge * kPage), Happened{}},
  };
}

const Register kZeroHugeRead{
    {.id = "thp/zero_huge_read",
     .summary = "reading a huge mapping costs a fault and a table per 2 MiB",
     .claim = "Seed 0: \"reading does not trigger allocation\", with THP: the "
              "huge zero page, and its page-table deposit",
     .functions =
         "do_huge_pmd_anonymous_page, set_huge_zero_folio, zap_huge_pmd",
     .look_at = "rss: reads allocate; tables: the deposit is not counted",
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {Metric::Size("page_tables", "read 32 MiB.tables"),
                 Metric::Size("rss", "read 32 MiB.rss")}}};

}  // namespace
}  // namespace oomgate
