// SPDX-License-Identifier: Apache-2.0
// What MADV_DONTNEED refuses: locked pages (MADV_DONTNEED_LOCKED, 5.18, takes
// them), and a hole, which it reports only after it has done the rest.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kDontneedLocked = 24;  // MADV_DONTNEED_LOCKED
constexpr int kUnknown = 9999;
constexpr Bytes kPart = 8 * kPage;

struct Parts : Scene {
  Range range = Map();
  Range middle = range.Part(kPart, kPart);

  Range Map() const {
    const Range made = MapAnonymous(trace, 3 * kPart);
    WritePages(trace, made);
    return made;
  }
  Bytes Rss() const { return ReadMapping(range).rss; }
  Bytes First() const { return ReadMapping(range.Part(0_B, kPart)).rss; }
  Bytes Middle() const { return ReadMapping(middle).rss; }
  Bytes Last() const { return ReadMapping(range.Part(2 * kPart, kPart)).rss; }
};

auto Dontneed(Range Parts::*what, int advice = MADV_DONTNEED) {
  return [=](Parts& s) { return TryAdvise(s.*what, advice); };
}

void MapAnew(Parts& s) {
  Unmap(s.trace, s.range);
  s.range = s.Map();
  s.middle = s.range.Part(kPart, kPart);
  Unmap(s.trace, s.middle);
}

Bytes VmLck() { return StatusField("VmLck"); }

Steps<Parts> Make(const Params&, const Facts& f) {
  constexpr auto kAll = &Parts::range;
  constexpr auto kMiddle = &Parts::middle;
  // 9457056ac426 (5.18)
  const bool forces = f.kernel >= KernelVersion{5, 18};
  return {
      // The call stops at the second of the three mappings.
      {"lock the middle", [](Parts& s) { return TryLock(s.middle); }},
      {"give up all", Dontneed(kAll), Refused(EINVAL),
       Is("first", &Parts::First, 0_B), Is("middle", &Parts::Middle, kPart),
       Is("last", &Parts::Last, kPart),
       Is(
           "other bytes", [](Parts& s) { return CountOther(s.middle, 1); }, 0)},
      {"give up what is locked", Dontneed(kMiddle, kDontneedLocked),
       Refused(forces ? 0 : EINVAL),
       Is("middle", &Parts::Middle, forces ? 0_B : kPart),
       Is("VmLck", VmLck, kPart),
       Is(
           "lo", [](Parts& s) { return MappingHasFlag(s.middle, "lo"); }, 1)},
      // Locked is the mapping, not its pages: what comes back is locked again.
      {"write it again", [](Parts& s) { WritePages(s.trace, s.middle); },
       Is(
           "Locked", [](Parts& s) { return MappingField(s.middle, "Locked"); },
           kPart)},
      {"unlock", [](Parts& s) { return TryUnlock(s.middle); },
       Is("VmLck", VmLck, 0_B)},
      {"give up all, unlocked", Dontneed(kAll), Is("rss", &Parts::Rss, 0_B)},

      {"map anew, with a hole", MapAnew, Is("rss", &Parts::Rss, 2 * kPart)},
      // Other advice goes on behind the hole as well, and reports it.
      {"MADV_DONTFORK", Dontneed(kAll, MADV_DONTFORK), Refused(ENOMEM),
       Is(
           "dc", [](Parts& s) { return MappingHasFlag(s.range, "dc"); }, 1)},
      {"give up all but the hole", Dontneed(kAll), Refused(ENOMEM),
       Is("rss", &Parts::Rss, 0_B)},
      {"give up the hole", Dontneed(kMiddle), Refused(ENOMEM)},

      {"write the first part",
       [](Parts& s) { WritePages(s.trace, s.range.Part(0_B, kPart)); }},
      {"give unknown advice",
       [](Parts& s) { return TryAdvise(s.range.Part(0_B, kPart), kUnknown); },
       Refused(EINVAL)},
      {"give up from an odd address",
       [](Parts& s) {
         return TryAdvise(s.range.Part(8_B, kPage), MADV_DONTNEED);
       },
       Refused(EINVAL)},
      {"give up more than there is",
       [](Parts& s) {
         return TryAdvise({.start = s.range.start, .size = Bytes{-1}},
                          MADV_DONTNEED);
       },
       Refused(EINVAL), Is("rss", &Parts::Rss, kPart)},
  };
}

// Locking needs a limit that allows it.
std::string Probe(const Params&, const Facts&) {
  static char pages[kPart.count];
  if (mlock(pages, sizeof pages) != 0) return "locked memory is not allowed";
  munlock(pages, sizeof pages);
  return "";
}

const Register kDontneedErrors{
    {.id = "madvise/dontneed_errors",
     .summary = "MADV_DONTNEED stops at locked pages, and skips holes",
     .claim = "Seed 1: the list of madvise; madvise(2), EINVAL and ENOMEM",
     .functions = "do_madvise, madvise_walk_vmas, can_madv_lru_vma, "
                  "madvise_dontneed_free",
     .suite = Suite::kQuick,
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
