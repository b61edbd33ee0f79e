// SPDX-License-Identifier: Apache-2.0
// Page tables that were unmapped, or whose process ended, come back: at once up
// to 6.13, through RCU since then, within seconds in any case, to the page.
#include "cases/pages/tables.h"
#include "oomgate/stopwatch.h"

namespace oomgate::pages {
namespace {

constexpr std::int64_t kTouches = 4096;  // 16 MiB of leaves
constexpr Bytes kSize = kTouches * kHugePage;
constexpr int kDeadline = 5000;  // milliseconds

// Since 6.16 PageTables holds the kernel's own too: those of a child's kernel
// stack come when it is the first in its 2 MiB, and stay.
Bytes Slack(const Facts& f) {
  return f.kernel >= KernelVersion{6, 16} ? 4 * kPage : 0_B;
}

struct Filling : Warm {
  Range range = MapApart(trace, kSize, PROT_READ);
  Gate ready{trace};
  Gate go{trace};
  Bytes still = OnceStill(MachineTables);
  Bytes before = MachineTables();
  pid_t child = p["by"] == "exit" ? StartOne() : 0;

  void Fill() { ReadPages(trace, range, kHugePage); }
  pid_t StartOne() {
    const pid_t started = StartChild(trace, [this] {
      WarmUp(trace);  // with the tables that it needs of its own
      ready.Open();
      go.Pass();
      Fill();
      ready.Open();
      go.Pass();
    });
    ready.Pass();
    return started;
  }
  Bytes Left() const { return MachineTables() - before; }
};

void Fill(Filling& s) {
  if (s.child == 0) return s.Fill();
  s.go.Open();
  s.ready.Pass();
}

void GiveUp(Filling& s) {
  if (s.child == 0) return Unmap(s.trace, s.range);
  s.go.Open();
  Reap(s.child);
}

void AwaitRest(Filling& s) {
  s.Set("left_at_once", s.Left());
  const Stopwatch watch;
  s.Set("left", OnceHolds(
                    kDeadline, [&] { return s.Left(); },
                    [&](Bytes left) { return left <= Slack(s.f); }));
  s.Set("pt_free_settle_ms", watch.Milliseconds());
}

Steps<Filling> Make(const Params&, const Facts& f) {
  const Bytes tables = TablesFor(0_B, kTouches, kHugePage);
  // 6.8 began to count the level above.
  const Bytes counted =
      f.kernel >= KernelVersion{6, 8} ? tables : tables - kPage;
  return {
      {"fill",
       Fill,
       {Change("held", MachineTables, Between(counted, counted + Slack(f)))}},
      {"give up",
       GiveUp,
       {{AwaitRest,
         AllOf(Size("left_at_once", Between(0_B, counted + 64 * kPage)),
               Size("left", Between(0_B, Slack(f))))}}}};
}

const Register kAsyncFree{
    {.id = "pages/async_free",
     .summary = "tables of what was unmapped or has ended come back in seconds",
     .claim = "Seed 1: munmap frees; since 6.14 tables are freed by RCU "
              "(page_tables.async_free)",
     .functions = "tlb_remove_table, tlb_flush_mmu, exit_mmap",
     .look_at = "left: what never comes back; pt_free_settle_ms: how long "
                "memory pressure outlives its cause",
     .needs = {.alone = true},
     .params = {{"by", {"munmap", "exit"}}},
     .steps = Make,
     .metrics = {Metric::Size("left", "give up.left"),
                 Metric::Time("pt_free_settle_ms", "ms",
                              "give up.pt_free_settle_ms")}}};

}  // namespace
}  // namespace oomgate::pages
