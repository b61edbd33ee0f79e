// SPDX-License-Identifier: Apache-2.0
// MADV_DONTNEED gives pages up at once, to the page: the mapping and its
// commit charge stay, private memory reads as zero, a file as its content.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr Bytes kMiddle = 4_MiB;
constexpr Bytes kShared = 1_MiB;
constexpr char kElf = 0x7f;

struct Memory : Scene {
  // Charged as committed.
  Range range =
      MapAnonymous(trace, kSize, {.flags = MAP_PRIVATE | MAP_ANONYMOUS});
  Range shared =
      MapAnonymous(trace, kShared, {.flags = MAP_SHARED | MAP_ANONYMOUS});
  Range file = MapBare(trace, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                       open("/proc/self/exe", O_RDONLY | O_CLOEXEC));

  Bytes Rss() const { return ReadMapping(range).rss; }
  Bytes SharedRss() const { return ReadMapping(shared).rss; }
};

auto Dontneed(Bytes from, Bytes size) {
  return [=](Memory& m) {
    return TryAdvise(m.range.Part(from, size), MADV_DONTNEED);
  };
}
// Bytes, one a page, that are not as expected.
auto Other(Bytes from, Bytes size, char expected) {
  return
      [=](Memory& m) { return CountOther(m.range.Part(from, size), expected); };
}

void ReadMiddle(Memory& m) {
  const std::int64_t faults = ReadUsage().minor_faults;
  m.Set("other", CountOther(m.range.Part(kMiddle, kMiddle), 0));
  m.Set("faults", ReadUsage().minor_faults - faults);
}

Steps<Memory> Make(const Params&, const Facts&) {
  const std::int64_t pages = kMiddle / kPage;
  const auto accounted = Is(
      "accounted", [](Memory& m) { return ReadMapping(m.range).accounted; },
      kSize);
  const auto rss = [](Bytes size) { return Is("rss", &Memory::Rss, size); };
  return {
      {"write", [](Memory& m) { WritePages(m.trace, m.range); }, rss(kSize),
       accounted},
      // Less than a page is a page; nothing is nothing; an odd start is wrong.
      {"give up a byte", Dontneed(kPage, 1_B), rss(kSize - kPage)},
      {"give up nothing", Dontneed(0_B, 0_B), rss(kSize - kPage)},
      {"give up from an odd start", Dontneed(1_B, kPage), Refused(EINVAL),
       rss(kSize - kPage)},
      {"give up the middle", Dontneed(kMiddle, kMiddle),
       rss(kSize - kPage - kMiddle)},
      // Up to four faults are not ours: text and stack pages.
      {"read the middle", ReadMiddle, Count("other", 0),
       Count("faults", Between(pages, pages + 4)),
       rss(kSize - kPage - kMiddle)},
      {"read the rest", [] {}, Is("first page", Other(0_B, kPage, 1), 0),
       Is("before", Other(2 * kPage, kMiddle - 2 * kPage, 1), 0),
       Is("behind", Other(2 * kMiddle, kSize - 2 * kMiddle, 1), 0)},
      {"give up all", Dontneed(0_B, kSize), rss(0_B),
       Is(
           "Anonymous",
           [](Memory& m) { return MappingField(m.range, "Anonymous"); }, 0_B),
       Is(
           "mappings", [](Memory& m) { return ReadMapping(m.range).mappings; },
           1),
       accounted, Is("other", Other(0_B, kSize, 0), 0)},
      {"write a part again",
       [](Memory& m) { WritePages(m.trace, m.range.Part(0_B, kMiddle)); },
       rss(kMiddle)},

      // Shared memory is only unmapped: its content stays, and comes back.
      {"give up shared memory",
       [](Memory& m) {
         WritePages(m.trace, m.shared);
         return TryAdvise(m.shared, MADV_DONTNEED);
       },
       Is("rss", &Memory::SharedRss, 0_B),
       Is(
           "other", [](Memory& m) { return CountOther(m.shared, 1); }, 0),
       Is("rss again", &Memory::SharedRss, kShared)},

      // A page of a file that was written privately is the file's again.
      {"write to a private page of a file",
       [](Memory& m) {
         m.Set("other before", CountOther(m.file, kElf));
         *static_cast<volatile char*>(m.file.start) = 1;
       },
       Count("other before", 0),
       Is(
           "other", [](Memory& m) { return CountOther(m.file, 1); }, 0)},
      {"give it up", [](Memory& m) { return TryAdvise(m.file, MADV_DONTNEED); },
       Is(
           "other", [](Memory& m) { return CountOther(m.file, kElf); }, 0)},
  };
}

const Register kDontneedRss{
    {.id = "madvise/dontneed_rss",
     .summary = "MADV_DONTNEED frees at once, to the page; the mapping stays",
     .claim = "Seed 1: \"MADV_DONTNEED: frees immediately, RSS falls\"",
     .functions = "madvise_dontneed_single_vma, zap_pte_range",
     .look_at =
         "rss: what stayed; other: pages whose byte is not what it must be",
     .suite = Suite::kQuick,
     .steps = Make,
     .metrics = {Metric::Size("all_rss", "give up all.rss")}}};

}  // namespace
}  // namespace oomgate
