// SPDX-License-Identifier: Apache-2.0
// Page tables that were unmapped, or whose process ended, come back: at once up
// to 6.13, through RCU since then, within seconds in any case, to the page.
#include "cases/pages/tables.h"
#include "oomgate/stopwatch.h"

namespace oomgate::pages {
namespace {

constexpr std::int64_t kTouches = 4096;  // 16 MiB of leaves

// Since 6.16 PageTables holds the kernel's own too: those of a child's kernel
// stack come when it is the first in its 2 MiB, and stay.
Bytes Slack(const Facts& f) {
  return f.kernel >= KernelVersion{6, 16} ? 4 * kPage : 0_B;
}

struct Filling : Warm {
  Range range = MapApart(trace, kTouches* kHugePage, PROT_READ);
  Gate ready{trace}, go{trace};
  Bytes before = OnceStill(MachineTables);
  pid_t child = p["by"] == "exit" ? StartOne() : 0;

  pid_t StartOne() {
    const pid_t started = StartChild(trace, [this] {
      WarmUp(trace);  // with the tables that it needs of its own
      ready.Open();
      go.Pass();
      ReadPages(trace, range, kHugePage);
      ready.Open();
      go.Pass();
    });
    ready.Pass();
    return started;
  }
  void Fill() {
    if (child == 0) return ReadPages(trace, range, kHugePage);
    go.Open();
    ready.Pass();
  }
  void GiveUp() {
    if (child == 0) return Unmap(trace, range);
    go.Open();
    Reap(child);
  }
  Bytes Now() const { return MachineTables() - before; }
  Bytes Later() const {
    const Stopwatch watch;
    const auto freed = [this](Bytes all) { return all - before <= Slack(f); };
    const Bytes later = OnceHolds(5000, MachineTables, freed) - before;
    Set("pt_free_settle_ms", watch.Milliseconds());
    return later;
  }
};

Steps<Filling> Make(const Params&, const Facts& f) {
  // 6.8 began to count the level above.
  const Bytes counted = TablesFor(0_B, kTouches, kHugePage) -
                        (f.kernel < KernelVersion{6, 8} ? kPage : 0_B);
  return {{"fill", &Filling::Fill,
           Change("held", MachineTables, Between(counted, counted + Slack(f)))},
          {"give up", &Filling::GiveUp,
           Is("left_at_once", &Filling::Now, Between(0_B, counted + 256_KiB)),
           Is("left", &Filling::Later, Between(0_B, Slack(f)))}};
}

const Register kAsyncFree{
    {.id = "pages/async_free",
     .summary = "tables of what was unmapped or has ended come back in seconds",
     .claim = "Seed 1: munmap frees (page_tables.async_free)",
     .functions = "tlb_remove_table, tlb_flush_mmu, exit_mmap",
     .needs = {.alone = true},
     .params = {{"by", {"munmap", "exit"}}},
     .steps = Make,
     .metrics = {Metric::Size("left", "give up.left"),
                 Metric::Time("pt_free_settle_ms", "ms",
                              "give up.pt_free_settle_ms")}}};

}  // namespace
}  // namespace oomgate::pages
