// SPDX-License-Identifier: Apache-2.0
// fork of huge pages copies their mappings whole: nothing is split, a table is
// set aside for each. The first write of either side splits that one only.
#include "cases/fork/neighbours.h"
#include "oomgate/stopwatch.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 64_MiB;

struct Parent : Scene {
  Range range = MapApart(trace, kSize, MAP_PRIVATE);
  Gate may{trace}, did{trace};
  pid_t child = 0;
  std::int64_t splits = 0, pages_split = 0, allocated = 0;

  Bytes Huge() const { return ReadMapping(range).anon_huge; }
  std::int64_t Splits() const { return Vmstat("thp_split_pmd") - splits; }
};

void Write(Parent& s) {
  WritePages(s.trace, s.range, kHugePage);
  s.Set("huge", s.Huge());
  s.splits = Vmstat("thp_split_pmd");
  s.pages_split = Vmstat("thp_split_page");
  s.allocated = Vmstat("thp_fault_alloc");
}

void InChild(Parent& s) {
  // First: what a child runs costs tables too, and is the same in both.
  s.Set("child's tables", ReadUsage().page_tables);
  s.Set("splits by fork", s.Splits());
  s.Set("child's huge", s.Huge());
  s.Set("child's Pss", MappingField(s.range, "Pss"));
  s.Set("child's Shared_Dirty", MappingField(s.range, "Shared_Dirty"));
  // Reads cost nothing. Nothing may be set in between.
  const std::int64_t faults = ReadUsage().minor_faults;
  (void)*static_cast<volatile char*>(s.range.start);
  const std::int64_t read = ReadUsage().minor_faults;
  s.range.start[kPage.count] = 2;
  const std::int64_t written = ReadUsage().minor_faults;
  s.Set("read faults", read - faults);
  s.Set("write faults", written - read);
  const MappingUsage mapped = ReadMapping(s.range);
  s.Set("child's huge, written", mapped.anon_huge);
  s.Set("child's rss, written", mapped.rss);
  s.Set("child's private, written", mapped.private_dirty);
  s.Set("splits by write", s.Splits());
  s.Set("child sees", s.range.start[0]);
  s.did.Open();
  s.may.Pass();
}

void Fork(Parent& s) {
  const Stopwatch watch;
  s.child = StartChild(s.trace, [&s] { InChild(s); });
  s.Set("ns", watch.Nanoseconds());
  s.did.Pass();
}

// With the child gone a write takes the page over, huge as it is.
void WriteTheOthers(Parent& s) {
  for (char* at = s.range.start + kHugePage.count; at < s.range.end();
       at += kHugePage.count) {
    *static_cast<volatile char*>(at) = 3;
  }
}

Steps<Parent> Make(const Params&, const Facts&) {
  // A table set aside for each huge page, and the directory above them.
  constexpr Bytes kTables = kSize / kHugePage * kPage + kPage;
  const auto huge = Is("huge", &Parent::Huge, kSize);
  const auto own = [](Bytes size) {
    return Is(
        "private", [](Parent& s) { return ReadMapping(s.range).private_dirty; },
        size);
  };
  return {
      {"fork before anything is written",
       [](Parent& s) {
         Advise(s.trace, s.range, MADV_HUGEPAGE);
         return RunChild(s.trace, [&s] {
           s.Set("tables", ReadUsage().page_tables);
           s.Set("rss", ReadMapping(s.range).rss);
         });
       },
       Size("rss", 0_B), Size("tables", Gt(0_B))},
      {"write", Write, Size("huge", kSize)},
      {"fork", Fork,
       Difference("child's tables", "fork before anything is written.tables",
                  kTables.count),
       Count("splits by fork", 0), Size("child's huge", kSize),
       Size("child's Pss", kSize / 2), Size("child's Shared_Dirty", kSize),
       Count("read faults", 0), Count("write faults", 1),
       Size("child's huge, written", kSize - kHugePage),
       Size("child's rss, written", kSize),
       Size("child's private, written", kPage), Count("splits by write", 1),
       Count("child sees", 1), huge,
       Is(
           "rss", [](Parent& s) { return ReadMapping(s.range).rss; }, kSize),
       // The page that the child copied is the parent's alone now.
       own(kPage),
       Is(
           "seen", [](Parent& s) { return s.range.start[kPage.count]; }, 0)},
      {"end the child",
       [](Parent& s) {
         s.may.Open();
         return Reap(s.child);
       }},
      {"write to the others", WriteTheOthers, huge, own(kSize),
       Change("splits", &Parent::Splits, 0),
       Is(
           "pages split",
           [](Parent& s) { return Vmstat("thp_split_page") - s.pages_split; },
           0),
       Is(
           "allocated",
           [](Parent& s) { return Vmstat("thp_fault_alloc") - s.allocated; },
           0)},
  };
}

const Register kThpSplit{
    {.id = "fork/thp_split",
     .summary = "fork shares huge pages whole; a write splits one mapping",
     .claim = "Seed 1: THP and copy-on-write: since 5.8 a write copies 4 KiB "
              "and splits the one mapping",
     .functions = "copy_huge_pmd, do_huge_pmd_wp_page, __split_huge_pmd",
     .look_at = "child's tables: what fork sets aside",
     .needs = {.memory = 512_MiB,
               .alone = true,
               .settings = {kThpKnobs.With("enabled", "madvise"),
                            kThpKnobs.With("use_zero_page", "1")}},
     .steps = Make,
     .metrics = {Metric::Time("fork_ns", "ns", "fork.ns")}}};

}  // namespace
}  // namespace oomgate
