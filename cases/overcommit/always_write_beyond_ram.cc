// SPDX-License-Identifier: Apache-2.0
// In mode 1 twice the RAM can be mapped; who writes it is OOM-killed when RAM
// is full, never refused or sent another signal.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Range range = MapAnonymous(trace, 2 * f.ram, {.flags = kPrivate});
  // What is free, also on the CPUs' own lists, and what can be reclaimed.
  trace.Set("free", Meminfo("MemFree") + PerCpuPages() + Meminfo("Buffers") +
                        Meminfo("Cached") - Meminfo("Shmem") +
                        Meminfo("SReclaimable"));
  WritePages(trace, range);
}

Oracle Expect(const Params&, const Facts& f) {
  // The last watermark stays free, a few file pages too, and every 512 pages
  // cost a table; little is freed that was not counted.
  return AllOf(OomKilled(), OomVictimIsSubject(),
               OomConstraint("CONSTRAINT_NONE"), Count("oom_kills", 1),
               Percent("written", "free", Between(90.0, 102.0)),
               Written(Between(f.ram * 3 / 4, f.ram * 98 / 100)),
               OomAnonRss(Ge(f.ram * 3 / 4)));
}

const Register kAlwaysWriteBeyondRam{
    {.id = "overcommit/always_write_beyond_ram",
     .summary = "mode 1: mapping beyond RAM succeeds, writing it is OOM-killed",
     .claim = "Seed 2: \"50M available, malloc 100M succeeds, writing beyond "
              "50M is an OOM\"",
     .deed = "maps twice the RAM in mode 1, and writes it",
     .functions = "__vm_enough_memory, out_of_memory",
     .look_at = "the signal, and how much it wrote",
     .blast = Blast::kMachine,
     .needs = {.no_swap = true,
               .kernel_log = true,
               .settings = {kVmKnobs.With(kMode, "1")}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("written").HigherIsBetter().Within(
         8 << 20, "free memory at the start, watermarks")}}};

}  // namespace
}  // namespace oomgate
