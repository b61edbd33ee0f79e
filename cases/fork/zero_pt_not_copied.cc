// SPDX-License-Identifier: Apache-2.0
// fork copies the page tables of what a child could not fault in by itself:
// anonymous pages, never what was only read, nor what is shared.
#include <sys/syscall.h>
#include <unistd.h>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 256_MiB;
constexpr Bytes kWritten = 16_MiB;

bool Anonymous(const Params& p) { return p["kind"] != "shared"; }

// What a child finds in its tables, less what one before found.
void Fork(Trace& trace, const Range& range, const char* tables,
          const char* rss) {
  const pid_t child = StartChild(trace, [&] {
    trace.Set(tables, ReadUsage().page_tables);
    trace.Set(rss, ReadMapping(range).rss);
  });
  if (Reap(child) != 0) trace.Stop("a child", 0);
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const Range range =
      MapApart(trace, kSize, Anonymous(p) ? MAP_PRIVATE : MAP_SHARED);
  Advise(trace, range,
         p["kind"] == "thp_zero" ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  const Bytes own = ReadUsage().page_tables;
  Fork(trace, range, "child_base", "child_base_rss");
  const Range part = range.Part(0_B, kWritten);
  if (p["kind"] == "zero" || p["kind"] == "zero_written") {
    ReadPages(trace, range, kPage);
  }
  if (p["kind"] == "thp_zero") ReadPages(trace, range, kHugePage);
  if (p["kind"] == "written" || p["kind"] == "shared") WritePages(trace, part);
  // One write gives the mapping an anon_vma: now all of it is copied.
  if (p["kind"] == "zero_written") WritePages(trace, range.Part(0_B, kPage));
  trace.Set("tables", ReadUsage().page_tables - own);
  Fork(trace, range, "child_tables", "child_rss");
  trace.Set("tables_after", ReadUsage().page_tables - own);

  // The child faults in what was not copied, and sees the same.
  const pid_t child = StartChild(trace, [&] {
    const std::int64_t faults = ReadUsage().minor_faults;
    for (char* at = part.start; at < part.end(); at += kPage.count) {
      (void)*static_cast<volatile char*>(at);
    }
    trace.Set("child_faults", ReadUsage().minor_faults - faults);
    trace.Set("child_sees", *static_cast<volatile char*>(range.start));
  });
  trace.Set("child_status", Reap(child));
}

Oracle Expect(const Params& p, const Facts&) {
  const std::string_view kind = p["kind"];
  const bool wrote = kind == "written" || kind == "shared";
  // A leaf for 2 MiB, and the directory above them: there is no other in this
  // GiB.
  const Bytes tables = ((wrote ? kWritten : kSize) / kHugePage) * kPage + kPage;
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
  const auto faults = copied ? Between<std::int64_t>(0, kOwn)
                      : kind == "shared"
                          ? Between<std::int64_t>(pages / 16, pages / 16 + kOwn)
                          : Between<std::int64_t>(pages, pages + kOwn);
  return AllOf(
      Survives(), Size("tables", Eq(tables)), Size("tables_after", Eq(tables)),
      Difference("child_tables", "child_base", Eq(copied ? tables.count : 0)),
      Size("child_base_rss", Eq(0_B)), Size("child_rss", Eq(rss)),
      Count("child_faults", faults), Count("child_status", Eq(0)),
      Count("child_sees", Eq(wrote || kind == "zero_written" ? 1 : 0)));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["kind"] != "thp_zero") return;
  instance.needs.memory = 512_MiB;
  instance.needs.settings = {
      {"/sys/kernel/mm/transparent_hugepage/enabled", "madvise"},
      {"/sys/kernel/mm/transparent_hugepage/use_zero_page", "1"}};
}

const Register kZeroPtNotCopied{
    {.id = "fork/zero_pt_not_copied",
     .summary = "fork copies tables of anonymous pages, not of reads or shares",
     .explains =
         {.claim = "Seed 0: tables are whole pages; seed 2: what fork costs. "
                   "Comment of vma_needs_copy in mm/memory.c",
          .deed = "fills tables by reading, writing or sharing, forks, and "
                  "compares VmPTE of the child with one before",
          .functions = "vma_needs_copy, copy_page_range, copy_huge_pmd",
          .look_at = "more tables in the child: fork does work that a fault "
                     "would do; fewer: it faults in what it should have"},
     .adjust = Adjust,
     .params = {{"kind",
                 {"zero", "zero_written", "thp_zero", "written", "shared"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "child_faults",
                  .better = Better::kLower,
                  .kind = Kind::kBounded,
                  .tolerance = 16,
                  .cause = "text and stack pages of the child"}}}};

}  // namespace
}  // namespace oomgate
