// SPDX-License-Identifier: Apache-2.0
// MADV_COLD only marks: as not used; MADV_PAGEOUT swaps out at once: to the
// page where there is swap, nothing where there is none. Content survives both.
#include "oomgate/case.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr Bytes kShared = 64 * kPage;
constexpr Bytes kZeroSize = 4_MiB;

struct Memory : Scene {
  Range locked = MapAnonymous(trace, kPage);
  Range shared = MapAnonymous(trace, kShared);
  Range range = MapAnonymous(trace, kSize);
  Range zeroes = MapAnonymous(trace, kZeroSize);

  Bytes Rss() const { return ReadMapping(range).rss; }
  Bytes Swap() const { return ReadMapping(range).swap; }
  Bytes Referenced() const { return MappingField(range, "Referenced"); }
};

auto Give(Range Memory::*what, int advice) {
  return [=](Memory& m) { return TryAdvise(m.*what, advice); };
}

// Pages that another process maps too stay.
int PageOutShared(Memory& m) {
  WritePages(m.trace, m.shared);
  Gate done(m.trace);
  const pid_t child = StartChild(m.trace, [&] { done.Pass(); });
  const int error = TryAdvise(m.shared, MADV_PAGEOUT);
  m.Set("rss", ReadMapping(m.shared).rss);
  done.Open();
  Reap(child);
  return error;
}

int PageOutAll(Memory& m) {
  const int error = TryAdvise(m.range, MADV_PAGEOUT);
  AwaitWriteback(m.trace);
  return error;
}

// Pages that hold nothing but zeroes.
int PageOutZeroes(Memory& m) {
  for (char* at = m.zeroes.start; at < m.zeroes.end(); at += kPage.count) {
    *static_cast<volatile char*>(at) = 0;
  }
  const int error = TryAdvise(m.zeroes, MADV_PAGEOUT);
  AwaitWriteback(m.trace);
  return error;
}

std::int64_t SwappedOut() { return Vmstat("pswpout"); }

Steps<Memory> Make(const Params& p, const Facts& f) {
  const bool swap = p["swap"] != "0";
  const Bytes out = swap ? kSize : 0_B;
  const std::int64_t zeroes = swap ? kZeroSize / kPage : 0;
  // 0ca0c24e3211 (6.12): zero-filled pages are noted, not written.
  const bool notes = f.kernel >= KernelVersion{6, 12};
  // f1a7941243c1 (6.2) counts on each CPU, up to 82241a83cd15 (6.16) read
  // without what they hold back.
  const bool batches =
      f.kernel >= KernelVersion{6, 2} && f.kernel < KernelVersion{6, 16};
  const Bytes lag = batches && swap ? f.cpus * 32 * kPage : 0_B;
  const auto rss = [](Bytes size) { return Is("rss", &Memory::Rss, size); };
  const auto in_swap = [](Bytes size) {
    return Is("swap", &Memory::Swap, size);
  };
  const auto referenced = [](Bytes size) {
    return Is("Referenced", &Memory::Referenced, size);
  };
  const auto other = [](Range Memory::*what, char expected) {
    return Is(
        "other", [=](Memory& m) { return CountOther(m.*what, expected); }, 0);
  };
  return {
      {"lock a page", [](Memory& m) { return TryLock(m.locked); }},
      {"page out what is locked", Give(&Memory::locked, MADV_PAGEOUT),
       Refused(EINVAL)},
      {"make cold what is locked", Give(&Memory::locked, MADV_COLD),
       Refused(EINVAL)},
      {"page out what a child has, too", PageOutShared, Size("rss", kShared)},
      {"write", [](Memory& m) { WritePages(m.trace, m.range); },
       referenced(kSize)},
      {"make cold", Give(&Memory::range, MADV_COLD), referenced(0_B),
       rss(kSize), Change("pswpout", SwappedOut, 0)},
      {"read half",
       [](Memory& m) { CountOther(m.range.Part(0_B, kSize / 2), 1); },
       referenced(kSize / 2)},
      {"page out", PageOutAll, Change("pswpout", SwappedOut, out / kPage),
       rss(kSize - out), in_swap(out),
       Is(
           "mappings", [](Memory& m) { return ReadMapping(m.range).mappings; },
           1),
       Is(
           "VmSwap", [] { return StatusField("VmSwap"); },
           Between(out - lag, out + lag))},
      {"read half again", [] {},
       Is(
           "other",
           [](Memory& m) {
             return CountOther(m.range.Part(0_B, kSize / 2), 1);
           },
           0),
       rss(kSize - out / 2), in_swap(out / 2)},
      // What is given up leaves the swap as well.
      {"give up", Give(&Memory::range, MADV_DONTNEED), rss(0_B), in_swap(0_B),
       other(&Memory::range, 0)},
      {"page out zeroes", PageOutZeroes,
       Change(
           "swpout_zero", [] { return Vmstat("swpout_zero"); },
           notes ? zeroes : 0),
       Change("pswpout", SwappedOut, notes ? 0 : zeroes),
       Is(
           "rss", [](Memory& m) { return ReadMapping(m.zeroes).rss; },
           swap ? 0_B : kZeroSize),
       Is(
           "swap", [](Memory& m) { return ReadMapping(m.zeroes).swap; },
           swap ? kZeroSize : 0_B),
       other(&Memory::zeroes, 0)},
  };
}

const Register kPageoutCold{
    {.id = "madvise/pageout_cold",
     .summary = "MADV_PAGEOUT swaps out at once, MADV_COLD does not",
     .claim = "Seed 1: the list of madvise, and swap; madvise(2), MADV_COLD "
              "and MADV_PAGEOUT",
     .functions =
         "madvise_cold_or_pageout_pte_range, reclaim_pages, swap_writepage",
     .look_at = "other: bytes that did not come back as they were",
     // Counts swapped pages of the whole machine.
     .needs = {.alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           instance.needs.swap = p.Size("swap");
           instance.needs.no_swap = p["swap"] == "0";
         },
     .params = {{"swap", {"0", "64m"}}},
     .steps = Make,
     .metrics = {Metric::Size("out_rss", "page out.rss")}}};

}  // namespace
}  // namespace oomgate
