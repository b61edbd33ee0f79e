// SPDX-License-Identifier: Apache-2.0
// Page tables that were unmapped, or whose process ended, come back: at once up
// to 6.13, through RCU since then, within seconds in any case, to the page.
#include <poll.h>
#include <time.h>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

using pages::MachineTables;

constexpr std::int64_t kTouches = 4096;  // 16 MiB of leaves
constexpr int kDeadline = 5000;          // milliseconds

// Since 6.16 PageTables holds the kernel's own too: those of a child's kernel
// stack come when it is the first in its 2 MiB, and stay.
Bytes Slack(const Facts& f) {
  return f.kernel >= KernelVersion{6, 16} ? 4 * kPage : 0_B;
}

std::int64_t Milliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

void Settle(Trace& trace, Bytes before, Bytes slack) {
  trace.Set("left_at_once", MachineTables() - before);
  const std::int64_t start = Milliseconds();
  Bytes left = MachineTables() - before;
  while (left > slack && Milliseconds() - start < kDeadline) {
    poll(nullptr, 0, 1);
    left = MachineTables() - before;
  }
  trace.Set("left", left);
  trace.Set("pt_free_settle_ms", Milliseconds() - start);
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  pages::WarmUp(trace);
  Milliseconds();
  OnceStill(MachineTables);
  if (p["by"] == "munmap") {
    const Range range = pages::MapApart(trace, kTouches * kHugePage, PROT_READ);
    const Bytes before = MachineTables();
    ReadPages(trace, range, kHugePage);
    trace.Set("held", MachineTables() - before);
    Unmap(trace, range);
    return Settle(trace, before, Slack(f));
  }
  Gate full(trace);
  Gate go(trace);
  const Bytes before = MachineTables();
  const pid_t child = StartChild(trace, [&] {
    const Range range = pages::MapApart(trace, kTouches * kHugePage, PROT_READ);
    full.Open();
    go.Pass();
    ReadPages(trace, range, kHugePage);
    full.Open();
    go.Pass();
  });
  full.Pass();
  const Bytes idle = MachineTables();
  go.Open();
  full.Pass();
  trace.Set("held", MachineTables() - idle);
  go.Open();
  Reap(child);
  Settle(trace, before, Slack(f));
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes tables = pages::TablesFor(0_B, kTouches, kHugePage);
  // 6.8 began to count the level above.
  const Bytes counted =
      f.kernel >= KernelVersion{6, 8} ? tables : tables - kPage;
  return AllOf(Survives(), Size("held", Between(counted, counted + Slack(f))),
               Size("left", Between(0_B, Slack(f))),
               Size("left_at_once", Between(0_B, counted + 64 * kPage)));
}

const Register kAsyncFree{
    {.id = "pages/async_free",
     .summary = "tables of what was unmapped or has ended come back in seconds",
     .explains = {.claim = "Seed 1: munmap frees; since 6.14 tables are freed "
                           "by RCU (page_tables.async_free)",
                  .deed = "fills 16 MiB of tables, gives them up by munmap or "
                          "as a child that ends, watches PageTables",
                  .functions = "tlb_remove_table, tlb_flush_mmu, exit_mmap",
                  .look_at = "left: what never comes back; pt_free_settle_ms: "
                             "how long memory pressure outlives its cause"},
     .needs = {.alone = true},
     .params = {{"by", {"munmap", "exit"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "left", .better = Better::kLower, .unit = "bytes"},
                 {.name = "pt_free_settle_ms",
                  .better = Better::kLower,
                  .unit = "ms",
                  .kind = Kind::kTime}}}};

}  // namespace
}  // namespace oomgate
