// SPDX-License-Identifier: Apache-2.0
// KSM: equal pages that are marked mergeable become one frame, a write takes
// one page out again, MADV_UNMERGEABLE all; zero-filled ones may be the zero
// page.
#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 256;  // of a range
constexpr Bytes kSize = kPages * kPage;
constexpr std::int64_t kMostSharing = 64;  // the least but a few
constexpr int kPatience = 6000;            // milliseconds

std::int64_t Shared() { return kKsmKnobs.Number("pages_shared"); }
std::int64_t Sharing() { return kKsmKnobs.Number("pages_sharing"); }
std::int64_t ZeroPages() { return kKsmKnobs.Number("ksm_zero_pages"); }
std::int64_t Process() { return NumberIn("/proc/self/ksm_merging_pages"); }

void Scan() { AwaitScans(kKsmKnobs, 2, kPatience); }

// Waits until so many pages are saved, and a little for more than that.
void WaitForSharing(std::int64_t sharing) {
  HoldsWithin(kPatience, [=] { return Sharing() >= sharing; });
  Scan();
}

volatile std::uint64_t* WordsOf(const Range& range, std::int64_t page) {
  return reinterpret_cast<volatile std::uint64_t*>(range.start +
                                                   page * kPage.count);
}

// Every page unlike the others of its range; `salt` 0 is the same for all.
void Fill(const Range& range, std::uint64_t salt, bool equal = false) {
  for (std::int64_t i = 0; i < kPages; ++i) {
    WordsOf(range, i)[1] = salt;
    WordsOf(range, i)[100] = equal ? 1 : static_cast<std::uint64_t>(i) + 1;
  }
}

std::int64_t SameFrames(const Range& a, const Range& b) {
  std::int64_t same = 0;
  for (std::int64_t i = 0; i < kPages; ++i) {
    const std::uint64_t frame = Frame(a.start + i * kPage.count);
    same += frame != 0 && frame == Frame(b.start + i * kPage.count) ? 1 : 0;
  }
  return same;
}

struct Ranges : Scene {
  Range a = MapAnonymous(trace, kSize);
  Range b = MapAnonymous(trace, kSize);
  Range unlike = MapAnonymous(trace, kSize);
  Range unasked = MapAnonymous(trace, kSize);
  Range many = MapAnonymous(trace, kSize);
  Range zeroes = MapAnonymous(trace, kSize);

  std::int64_t Same() const { return SameFrames(a, b); }
  std::int64_t WrongWords() const {
    std::int64_t wrong = 0;
    for (const Range& range : {a, b, unlike}) {
      for (std::int64_t i = 0; i < kPages; ++i) {
        const auto expected = static_cast<std::uint64_t>(i) + 1;
        wrong += WordsOf(range, i)[100] == expected ? 0 : 1;
      }
    }
    return wrong;
  }
};

auto RssOf(Range Ranges::*what) {
  return [=](Ranges& r) { return ReadMapping(r.*what).rss; };
}
auto Mergeable(Range Ranges::*what) {
  return [=](Ranges& r) { return MappingHasFlag(r.*what, "mg"); };
}

void SetUp(Ranges& r) {
  kKsmKnobs.Set(r.trace, "max_page_sharing", kMostSharing);
  kKsmKnobs.Set(r.trace, "use_zero_pages", 0);
  kKsmKnobs.Set(r.trace, "pages_to_scan", 5000);
  kKsmKnobs.Set(r.trace, "sleep_millisecs", 10);
  kKsmKnobs.Set(r.trace, "run", 1);
  Fill(r.a, 1);
  Fill(r.b, 1);
  Fill(r.unlike, 2);
  Fill(r.unasked, 1);
}

int Merge(Ranges& r) {
  int error = 0;
  for (const Range& range : {r.a, r.b, r.unlike}) {
    error += TryAdvise(range, MADV_MERGEABLE);
  }
  WaitForSharing(kPages);
  return error;
}

// While ksmd looks at a page it is none of them.
std::int64_t Unshared() {
  return OnceHolds(
      kPatience, [] { return kKsmKnobs.Number("pages_unshared"); },
      [](std::int64_t pages) { return pages == kPages; });
}

// A write takes out exactly one page; ksmd notices later.
void WriteOne(Ranges& r) {
  const std::int64_t faults = ReadUsage().minor_faults;
  r.b.start[7 * kPage.count] = 1;
  r.Set("faults", ReadUsage().minor_faults - faults);
  Scan();
}

int Unmerge(Ranges& r) {
  const int error = TryAdvise(r.b, MADV_UNMERGEABLE);
  r.Set("same frames at once", r.Same());
  Scan();
  return error;
}

int MergeZeroes(Ranges& r) {
  kKsmKnobs.Set(r.trace, "use_zero_pages", 1);
  kKsmKnobs.Set(r.trace, "run", 1);
  for (char* at = r.zeroes.start; at < r.zeroes.end(); at += kPage.count) {
    *static_cast<volatile char*>(at) = 0;
  }
  const int error = TryAdvise(r.zeroes, MADV_MERGEABLE);
  HoldsWithin(kPatience, [&] { return ReadMapping(r.zeroes).rss == 0_B; });
  return error;
}

Steps<Ranges> Make(const Params&, const Facts& f) {
  // e2942062e01d (6.6): KSM's zero pages are counted.
  const bool counts = f.kernel >= KernelVersion{6, 6};
  // 7609385337a4 (5.19): each process's pages are, too.
  const bool tells = f.kernel >= KernelVersion{5, 19};
  const auto process = [&](std::int64_t pages) {
    return Is("ksm_merging_pages", Process, tells ? pages : -1);
  };
  const auto zero_pages = [&](std::int64_t pages) {
    return Is("ksm_zero_pages", ZeroPages, counts ? pages : -1);
  };
  const auto sharing = [](std::int64_t pages) {
    return Is("pages_sharing", Sharing, pages);
  };
  const auto shared = [](std::int64_t pages) {
    return Is("pages_shared", Shared, pages);
  };
  const auto same = [](std::int64_t pages) {
    return Is("same frames", &Ranges::Same, pages);
  };
  const std::int64_t frames = kPages / kMostSharing;
  return {
      {"look at KSM", [] {},
       Is(
           "run", [] { return kKsmKnobs.Number("run"); }, 0)},
      {"set it up", SetUp},
      // Merged pages count for everyone who maps them.
      {"merge", Merge, Is("mg", Mergeable(&Ranges::a), 1), shared(kPages),
       sharing(kPages), Is("pages_unshared", Unshared, kPages),
       process(2 * kPages), same(kPages),
       Is(
           "same frames, unasked",
           [](Ranges& r) { return SameFrames(r.a, r.unasked); }, 0),
       Is("rss of a", RssOf(&Ranges::a), kSize),
       Is("rss of b", RssOf(&Ranges::b), kSize)},
      {"write one page", WriteOne, Count("faults", Between(1, 3)),
       sharing(kPages - 1), same(kPages - 1),
       Is(
           "byte of the other",
           [](Ranges& r) { return r.a.start[7 * kPage.count]; }, 0)},
      {"unmerge", Unmerge, Count("same frames at once", 0),
       Is("mg", Mergeable(&Ranges::b), 0), sharing(0), process(kPages), same(0),
       Is("rss of b", RssOf(&Ranges::b), kSize),
       Is("wrong words", &Ranges::WrongWords, 0)},
      {"unmap",
       [](Ranges& r) {
         for (const Range& range : {r.a, r.b, r.unlike, r.unasked}) {
           Unmap(r.trace, range);
         }
       }},
      // One frame serves max_page_sharing of many equal pages.
      {"merge many",
       [=](Ranges& r) {
         Fill(r.many, 3, true);
         const int error = TryAdvise(r.many, MADV_MERGEABLE);
         WaitForSharing(kPages - frames);
         return error;
       },
       shared(frames), sharing(kPages - frames),
       Is("rss", RssOf(&Ranges::many), kSize)},
      {"take all apart by the knob", [] { return kKsmKnobs.Write("run", 2); },
       shared(0), sharing(0), process(0),
       Is("rss", RssOf(&Ranges::many), kSize)},
      {"unmap these", [](Ranges& r) { Unmap(r.trace, r.many); }},
      {"merge zeroes", MergeZeroes, Is("rss", RssOf(&Ranges::zeroes), 0_B),
       sharing(0), zero_pages(kPages),
       Is(
           "other", [](Ranges& r) { return CountOther(r.zeroes, 0); }, 0)},
      {"write three of them",
       [](Ranges& r) { WritePages(r.trace, r.zeroes.Part(0_B, 3 * kPage)); },
       Is("rss", RssOf(&Ranges::zeroes), 3 * kPage), zero_pages(kPages - 3)},
      {"unmap the rest", [](Ranges& r) { Unmap(r.trace, r.zeroes); },
       zero_pages(0)},
      {"switch KSM off", [] { return kKsmKnobs.Write("run", 2); }},
  };
}

const Register kMergeable{
    {.id = "madvise/mergeable",
     .summary = "KSM merges equal pages, and a write takes out exactly one",
     .claim = "Seed 1: the list of madvise, MADV_MERGEABLE; admin-guide/mm/ksm",
     .functions = "cmp_and_merge_page, try_to_merge_with_ksm_page, break_ksm, "
                  "unmerge_ksm_pages",
     .look_at = "same frames: pages that are one frame; pages_sharing: what "
                "KSM reports that it saved",
     .blast = Blast::kMachine,
     .steps = Make,
     .metrics =
         {Metric::Count("sharing", "merge.pages_sharing").HigherIsBetter()},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
