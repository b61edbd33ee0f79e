// SPDX-License-Identifier: Apache-2.0
// Who gets huge pages is what the knobs say: never, on advice, always; without
// the huge zero page reads allocate; 64 KiB pages (6.8) have their own knobs.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr MapOptions::Pages kAsked = MapOptions::kHuge;
constexpr MapOptions::Pages kPlain = MapOptions::kDefault;
constexpr MapOptions::Pages kNotWanted = MapOptions::kSmall;
constexpr Bytes kRead = 8_MiB;
constexpr const char* kMedium = "hugepages-64kB/enabled";
constexpr Bytes kMediumPage = 64_KiB;
constexpr std::int64_t kMediumPages = 64;

bool HasMedium() { return kThpKnobs.Has(kMedium); }
std::int64_t AllocatedMedium() {
  return kThpKnobs.Number("hugepages-64kB/stats/anon_fault_alloc");
}

Range Map(Trace& trace, MapOptions::Pages pages, Bytes size, int sharing) {
  return MapAnonymous(trace, size,
                      {.flags = sharing | MAP_ANONYMOUS | MAP_NORESERVE,
                       .align = 1_GiB,
                       .pages = pages});
}

struct Knobs : Scene {
  Range medium = {}, one = {};
};

auto OneWrite(const char* enabled, MapOptions::Pages pages) {
  return [=](Knobs& k) {
    kThpKnobs.Set(k.trace, "enabled", enabled);
    WriteAByte(k, pages);
  };
}

auto OneWriteDisabled(int disabled) {
  return [=](Knobs& k) {
    Must(k.trace, "prctl", prctl(PR_SET_THP_DISABLE, disabled, 0, 0, 0));
    OneWrite("always", kAsked)(k);
  };
}

auto ReadWith(int zero_page) {
  return [=](Knobs& k) {
    kThpKnobs.Set(k.trace, "enabled", "always");
    kThpKnobs.Set(k.trace, "use_zero_page", zero_page);
    const Range range = Map(k.trace, kPlain, kRead, MAP_PRIVATE);
    k.Set("faults", FaultsOf([&] { ReadPages(k.trace, range); }));
    k.Set("rss", ReadMapping(range).rss);
    Unmap(k.trace, range);
  };
}

void WriteMedium(Knobs& k) {
  kThpKnobs.Set(k.trace, "enabled", "never");
  kThpKnobs.Set(k.trace, kMedium, "always");
  k.medium = Map(k.trace, kPlain, kMediumPages * kMediumPage, MAP_PRIVATE);
  k.Set("faults", FaultsOf([&] { WritePages(k.trace, k.medium); }));
}

void WriteOneMedium(Knobs& k) {
  Unmap(k.trace, k.medium);
  k.one = Map(k.trace, kPlain, kHugePage, MAP_PRIVATE);
  WritePages(k.trace, k.one.Part(3 * kMediumPage, kPage));
}

void ReadTwoMedium(Knobs& k) {
  const Range part = k.one.Part(8 * kMediumPage, 2 * kMediumPage);
  k.Set("faults", FaultsOf([&] { ReadPages(k.trace, part); }));
}

void WriteOneRead(Knobs& k) {
  WritePages(k.trace, k.one.Part(8 * kMediumPage, kPage));
  kThpKnobs.Set(k.trace, kMedium, "never");
}

// Shared memory has a knob of its own.
auto OneShared(const char* knob, MapOptions::Pages pages) {
  return [=](Knobs& k) {
    kThpKnobs.Set(k.trace, "enabled", "madvise");
    kThpKnobs.Set(k.trace, "shmem_enabled", knob);
    const Range range = Map(k.trace, pages, kHugePage, MAP_SHARED);
    WritePages(k.trace, range, range.size);
    k.Set("huge", MappingField(range, "ShmemPmdMapped"));
    Unmap(k.trace, range);
    kThpKnobs.Set(k.trace, "shmem_enabled", "never");
  };
}

Steps<Knobs> Make(const Params&, const Facts& f) {
  const auto brings = [](Bytes size) { return Size("rss", size); };
  const auto is_huge = [](Bytes size) { return Size("huge", size); };
  // Stack and text pages may add a few.
  const auto faults = [](std::int64_t least) {
    return Count("faults", Between(least, least + 4));
  };
  const std::int64_t huge = kRead / kHugePage;
  // 3485b88390b0 (6.8): sizes between; 42248b9d34ea (6.10): their counters.
  const bool has_medium = f.kernel >= KernelVersion{6, 8};
  const bool counts = f.kernel >= KernelVersion{6, 10};
  const std::string why =
      has_medium ? "" : "64 KiB pages came with 6.8 (3485b88390b0)";
  const auto medium = [=](StepOf<Knobs> step) { return step.LeftOut(why); };
  return {
      {"never, asked", OneWrite("never", kAsked), brings(kPage)},
      {"never, plain", OneWrite("never", kPlain), brings(kPage)},
      {"madvise, asked", OneWrite("madvise", kAsked), brings(kHugePage)},
      {"madvise, plain", OneWrite("madvise", kPlain), brings(kPage)},
      {"madvise, not wanted", OneWrite("madvise", kNotWanted), brings(kPage)},
      {"always, asked", OneWrite("always", kAsked), brings(kHugePage)},
      {"always, plain", OneWrite("always", kPlain), brings(kHugePage)},
      {"always, not wanted", OneWrite("always", kNotWanted), brings(kPage)},
      {"disable it in the process", OneWriteDisabled(1), brings(kPage)},
      {"enable it again", OneWriteDisabled(0), brings(kHugePage)},
      {"read without the zero page", ReadWith(0), brings(kRead), faults(huge),
       Happened{.alloc = huge}},
      {"read with the zero page", ReadWith(1), brings(0_B), faults(huge),
       Happened{.zero = 1}},
      {"look for 64 KiB pages", [] {}, Is("there", HasMedium, has_medium)},
      medium({"write 64 KiB pages", WriteMedium, faults(kMediumPages),
              Change("allocated", AllocatedMedium, counts ? kMediumPages : 0),
              Rss(&Knobs::medium, kMediumPages * kMediumPage),
              Huge(&Knobs::medium, 0_B), Happened{}}),
      medium({"write a byte", WriteOneMedium, Rss(&Knobs::one, kMediumPage)}),
      // Reads bring zero pages, and a write to one of them 4 KiB.
      medium({"read 128 KiB", ReadTwoMedium, faults(2 * kMediumPage / kPage),
              Rss(&Knobs::one, kMediumPage)}),
      medium({"write to a page that was read", WriteOneRead,
              Rss(&Knobs::one, kMediumPage + kPage)}),
      {"shared never, asked", OneShared("never", kAsked), is_huge(0_B)},
      {"shared advise, asked", OneShared("advise", kAsked), is_huge(kHugePage)},
      {"shared advise, plain", OneShared("advise", kPlain), is_huge(0_B)},
      {"shared deny, asked", OneShared("deny", kAsked), is_huge(0_B)},
  };
}

const Register kModeKnobs{
    {.id = "thp/mode_knobs",
     .summary = "never, on advice, always: the THP knobs decide who gets what",
     .claim = "Seed 0: \"reading does not trigger allocation\" holds with "
              "use_zero_page only (use_zero_page_off); 64 KiB pages "
              "(mthp_anon); admin-guide/mm/transhuge",
     .functions = "thp_vma_allowable_orders, do_huge_pmd_anonymous_page, "
                  "alloc_anon_folio, shmem_allowable_huge_orders",
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .settings = {kThpKnobs.With("defrag", "madvise"),
                            kKhugepagedKnobs.With("scan_sleep_millisecs",
                                                  "600000"),
                            kKhugepagedKnobs.With("max_ptes_none", "0")}},
     .steps = Make,
     .metrics = {Metric::Size("no_zero_rss", "read without the zero page.rss"),
                 Metric::Size("always_plain", "always, plain.rss")}}};

}  // namespace
}  // namespace oomgate
