// SPDX-License-Identifier: Apache-2.0
// Who gets huge pages is what the knobs say: never, on advice, always; without
// the huge zero page reads allocate; 64 KiB pages (6.8) have knobs of their
// own.
#include <sys/prctl.h>
#include <unistd.h>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr const char* kEnabled = "/sys/kernel/mm/transparent_hugepage/enabled";
constexpr const char* kShmem =
    "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
constexpr const char* kZeroPage =
    "/sys/kernel/mm/transparent_hugepage/use_zero_page";
constexpr const char* kMedium =
    "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled";
constexpr const char* kMediumAllocated =
    "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/stats/"
    "anon_fault_alloc";

struct Want {
  const char* enabled;
  MapOptions::Pages pages;
  const char* name;
  bool huge;
};
constexpr Want kWants[] = {
    {"never", MapOptions::kHuge, "never_asked", false},
    {"never", MapOptions::kDefault, "never_plain", false},
    {"madvise", MapOptions::kHuge, "madvise_asked", true},
    {"madvise", MapOptions::kDefault, "madvise_plain", false},
    {"madvise", MapOptions::kSmall, "madvise_refused", false},
    {"always", MapOptions::kHuge, "always_asked", true},
    {"always", MapOptions::kDefault, "always_plain", true},
    {"always", MapOptions::kSmall, "always_refused", false},
};

Range Map(Trace& trace, MapOptions::Pages pages, Bytes size,
          int sharing = MAP_PRIVATE) {
  MapOptions options;
  options.align = 1_GiB;
  options.pages = pages;
  options.flags = sharing | MAP_ANONYMOUS | MAP_NORESERVE;
  return MapAnonymous(trace, size, options);
}

// What one written byte brings.
Bytes OneWrite(Trace& trace, MapOptions::Pages pages) {
  const Range range = Map(trace, pages, kHugePage);
  WritePages(trace, range, range.size);
  const Bytes rss = ReadMapping(range).rss;
  Unmap(trace, range);
  return rss;
}

void Enabled(Trace& trace) {
  for (const Want& want : kWants) {
    WriteKnob(trace, kEnabled, want.enabled);
    trace.Set(want.name, OneWrite(trace, want.pages));
  }
  // A process may do without.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  trace.Set("disabled", OneWrite(trace, MapOptions::kHuge));
  prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  trace.Set("enabled_again", OneWrite(trace, MapOptions::kHuge));
}

constexpr Bytes kRead = 8_MiB;

void ZeroPage(Trace& trace) {
  WriteKnob(trace, kEnabled, "always");
  for (const char* use : {"0", "1"}) {
    WriteKnob(trace, kZeroPage, use);
    const Range range = Map(trace, MapOptions::kDefault, kRead);
    HugeEvents events;
    const std::int64_t faults = ReadUsage().minor_faults;
    ReadPages(trace, range);
    const bool used = *use == '1';
    trace.Set(used ? "zero_faults" : "no_zero_faults",
              ReadUsage().minor_faults - faults);
    events.Leave(trace, used ? "zero" : "no_zero");
    trace.Set(used ? "zero_rss" : "no_zero_rss", ReadMapping(range).rss);
    Unmap(trace, range);
  }
}

constexpr Bytes kMediumSize = 4_MiB;
constexpr Bytes kMediumPage = 64_KiB;

void MediumPages(Trace& trace) {
  const bool there = access(kMedium, F_OK) == 0;
  trace.Set("medium_there", there ? 1 : 0);
  if (!there) return;
  WriteKnob(trace, kEnabled, "never");
  WriteKnob(trace, kMedium, "always");
  const Range range = Map(trace, MapOptions::kDefault, kMediumSize);
  HugeEvents events;
  const std::int64_t allocated = NumberIn(kMediumAllocated);
  const Usage before = ReadUsage();
  WritePages(trace, range);
  const Usage after = ReadUsage();
  trace.Set("medium_faults", after.minor_faults - before.minor_faults);
  trace.Set("medium_alloc", NumberIn(kMediumAllocated) - allocated);
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("medium_rss", mapped.rss);
  trace.Set("medium_huge", mapped.anon_huge);
  events.Leave(trace, "medium");
  Unmap(trace, range);

  // One byte brings 64 KiB; reads bring zero pages, and a write to one 4 KiB.
  const Range other = Map(trace, MapOptions::kDefault, kHugePage);
  WritePages(trace, other.Part(3 * kMediumPage, kPage));
  trace.Set("medium_one", ReadMapping(other).rss);
  const std::int64_t faults = ReadUsage().minor_faults;
  ReadPages(trace, other.Part(8 * kMediumPage, 2 * kMediumPage));
  trace.Set("medium_read_faults", ReadUsage().minor_faults - faults);
  trace.Set("medium_read", ReadMapping(other).rss);
  WritePages(trace, other.Part(8 * kMediumPage, kPage));
  trace.Set("medium_upgrade", ReadMapping(other).rss);
  Unmap(trace, other);
  WriteKnob(trace, kMedium, "never");
}

// The same for shared memory: its own knob.
void Shared(Trace& trace) {
  const auto one = [&](const char* knob, MapOptions::Pages pages) {
    WriteKnob(trace, kShmem, knob);
    const Range range = Map(trace, pages, kHugePage, MAP_SHARED);
    WritePages(trace, range, range.size);
    const Bytes huge = MappingField(range, "ShmemPmdMapped");
    Unmap(trace, range);
    return huge;
  };
  WriteKnob(trace, kEnabled, "madvise");
  trace.Set("shared_never", one("never", MapOptions::kHuge));
  trace.Set("shared_advise_asked", one("advise", MapOptions::kHuge));
  trace.Set("shared_advise_plain", one("advise", MapOptions::kDefault));
  trace.Set("shared_deny", one("deny", MapOptions::kHuge));
  WriteKnob(trace, kShmem, "never");
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Enabled(trace);
  ZeroPage(trace);
  MediumPages(trace);
  Shared(trace);
}

Oracle Medium(const Facts& f) {
  // 3485b88390b0 (6.8): sizes between; 42248b9d34ea (6.10): their counters.
  if (f.kernel < KernelVersion{6, 8}) return Count("medium_there", Eq(0));
  const std::int64_t pages = kMediumSize / kMediumPage;
  const bool counts = f.kernel >= KernelVersion{6, 10};
  return AllOf(AllOf(Count("medium_there", Eq(1)),
                     // Stack and text pages may add a few.
                     Count("medium_faults", Between(pages, pages + 4)),
                     Count("medium_alloc", Eq(counts ? pages : 0)),
                     Size("medium_rss", Eq(kMediumSize)),
                     Size("medium_huge", Eq(0_B)), Happened{}.In("medium")),
               AllOf(Size("medium_one", Eq(kMediumPage)),
                     Count("medium_read_faults", Between(32, 36)),
                     Size("medium_read", Eq(kMediumPage)),
                     Size("medium_upgrade", Eq(kMediumPage + kPage))));
}

Oracle Expect(const Params&, const Facts& f) {
  Oracle modes = AllOf(Survives(), Size("disabled", Eq(kPage)),
                       Size("enabled_again", Eq(kHugePage)));
  for (const Want& want : kWants) {
    modes = AllOf(modes, Size(want.name, Eq(want.huge ? kHugePage : kPage)));
  }
  const std::int64_t huge = kRead / kHugePage;
  const Oracle zero =
      AllOf(Size("no_zero_rss", Eq(kRead)),
            Count("no_zero_faults", Between(huge, huge + 4)),
            Happened{.alloc = huge}.In("no_zero"), Size("zero_rss", Eq(0_B)),
            Count("zero_faults", Between(huge, huge + 4)),
            Happened{.zero = 1}.In("zero"));
  const Oracle shared =
      AllOf(Size("shared_never", Eq(0_B)), Size("shared_deny", Eq(0_B)),
            Size("shared_advise_asked", Eq(kHugePage)),
            Size("shared_advise_plain", Eq(0_B)));
  return AllOf(modes, zero, Medium(f), shared);
}

const Register kModeKnobs{
    {.id = "thp/mode_knobs",
     .summary = "never, on advice, always: the THP knobs decide who gets what",
     .explains =
         {.claim = "Seed 0: \"reading does not trigger allocation\" holds with "
                   "use_zero_page only (use_zero_page_off); 64 KiB pages "
                   "(mthp_anon); admin-guide/mm/transhuge",
          .deed = "writes the knobs, and a byte to mappings that asked for "
                  "huge pages, did not, or refused them",
          .functions = "thp_vma_allowable_orders, do_huge_pmd_anonymous_page, "
                       "alloc_anon_folio, shmem_allowable_huge_orders",
          .look_at = "<enabled>_<advice> is what one written byte brought"},
     .blast = Blast::kMachine,
     .needs =
         {.memory = 512_MiB,
          .settings = {{std::string(kThp) + "defrag", "madvise"},
                       {std::string(kThp) + "khugepaged/scan_sleep_millisecs",
                        "600000"},
                       {std::string(kThp) + "khugepaged/max_ptes_none", "0"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "no_zero_rss", .better = Better::kLower, .unit = "bytes"},
         {.name = "always_plain", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
