// SPDX-License-Identifier: Apache-2.0
// fork copies the page tables of what a child could not fault in by itself:
// anonymous pages, never what was only read, nor what is shared.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 256_MiB;
constexpr Bytes kWritten = 16_MiB;

struct Parent : Scene {
  Range range =
      MapApart(trace, kSize, p["kind"] == "shared" ? MAP_SHARED : MAP_PRIVATE);
  Range part = range.Part(0_B, kWritten);
  Bytes own = {};
  Bytes Tables() const { return ReadUsage().page_tables - own; }
};

// What a child finds in its tables.
int Fork(Parent& s) {
  return RunChild(s.trace, [&s] {
    s.Set("tables", ReadUsage().page_tables);
    s.Set("rss", ReadMapping(s.range).rss);
  });
}

int ForkFirst(Parent& s) {
  Advise(s.trace, s.range,
         s.p["kind"] == "thp_zero" ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  s.own = ReadUsage().page_tables;
  return Fork(s);
}

void Fill(Parent& s) {
  const std::string_view kind = s.p["kind"];
  if (kind == "zero" || kind == "zero_written") ReadPages(s.trace, s.range);
  if (kind == "thp_zero") ReadPages(s.trace, s.range, kHugePage);
  if (kind == "written" || kind == "shared") WritePages(s.trace, s.part);
  // One write gives the mapping an anon_vma: now all of it is copied.
  if (kind == "zero_written") WritePages(s.trace, s.range.Part(0_B, kPage));
}

// The child faults in what was not copied, and sees the same.
int ReadInChild(Parent& s) {
  return RunChild(s.trace, [&s] {
    const std::int64_t faults = ReadUsage().minor_faults;
    for (char* at = s.part.start; at < s.part.end(); at += kPage.count) {
      (void)*static_cast<volatile char*>(at);
    }
    s.Set("faults", ReadUsage().minor_faults - faults);
    s.Set("sees", *static_cast<volatile char*>(s.range.start));
  });
}

Steps<Parent> Make(const Params& p, const Facts&) {
  const std::string_view kind = p["kind"];
  const bool wrote = kind == "written" || kind == "shared";
  // A leaf for 2 MiB, and the directory above them: there is no other in this
  // GiB.
  const Bytes tables = ((wrote ? kWritten : kSize) / kHugePage) * kPage + kPage;
  const auto of_parent = Is("parent's tables", &Parent::Tables, tables);
  // The zero page is copied too where anything is; a huge zero page always.
  const bool copied =
      kind == "written" || kind == "zero_written" || kind == "thp_zero";
  const Bytes rss = kind == "written"        ? kWritten
                    : kind == "zero_written" ? kPage
                                             : 0_B;
  const std::int64_t pages = kWritten / kPage;
  // Text, stack and data pages of the child.
  constexpr std::int64_t kOwn = 16;
  // Around a fault in shared memory up to 16 pages are mapped.
  const std::int64_t least = copied ? 0 : kind == "shared" ? pages / 16 : pages;
  return {
      {"fork first", ForkFirst, Size("rss", 0_B), Size("tables", Gt(0_B))},
      {"fill", Fill, of_parent},
      {"fork", Fork, of_parent, Size("rss", rss),
       Difference("tables", "fork first.tables", copied ? tables.count : 0)},
      {"read in a child", ReadInChild,
       Count("faults", Between(least, least + kOwn)),
       Count("sees", wrote || kind == "zero_written" ? 1 : 0)}};
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["kind"] != "thp_zero") return;
  instance.needs.memory = 512_MiB;
  instance.needs.settings = {kThpKnobs.With("enabled", "madvise"),
                             kThpKnobs.With("use_zero_page", "1")};
}

const Register kZeroPtNotCopied{
    {.id = "fork/zero_pt_not_copied",
     .summary = "fork copies tables of anonymous pages, not of reads or shares",
     .claim = "Seed 0: tables are whole pages; seed 2: what fork costs",
     .functions = "vma_needs_copy, copy_page_range, copy_huge_pmd",
     .look_at = "more tables in the child: fork does work that a fault would "
                "do; fewer: it faults in what it should have",
     .adjust = Adjust,
     .params = {{"kind",
                 {"zero", "zero_written", "thp_zero", "written", "shared"}}},
     .steps = Make,
     .metrics = {Metric::Count("child_faults", "read in a child.faults")
                     .Within(16, "text and stack pages of the child")}}};

}  // namespace
}  // namespace oomgate
