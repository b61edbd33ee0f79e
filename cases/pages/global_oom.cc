// SPDX-License-Identifier: Apache-2.0
// Page tables alone exhaust RAM, whatever vm.overcommit_memory says: a reader
// with no memory of its own is killed, and an innocent sibling lives on.
#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr Bytes kSibling = 40_MiB;

void HoldMemory(Trace& trace, const Params&, const Facts&) {
  WritePages(trace, MapAnonymous(trace, kSibling));
}

// How many touches fill that much memory: each takes a leaf, at 1 GiB a
// directory too, and a 512th of the level above.
std::int64_t TouchesFor(Bytes memory, const Params& p) {
  const std::int64_t pages = memory / kPage;
  if (p["stride"] == "1g") return pages * 512 / 1025;
  return pages * 512 / 513;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  Meminfo("Committed_AS");
  const Bytes committed = Meminfo("Committed_AS");
  const Range range = pages::MapApart(trace, 64_TiB, PROT_READ);
  trace.Set("accounted", ReadMapping(range).accounted);
  trace.Set("mode", NumberIn("/proc/sys/vm/overcommit_memory"));
  trace.Set("free_touches", TouchesFor(Meminfo("MemFree"), p));
  trace.Set("committed", Meminfo("Committed_AS") - committed);
  ReadPages(trace, range, p.Size("stride"));
}

Oracle Expect(const Params& p, const Facts& f) {
  return AllOf(
      OomKilled(), OomVictimIsSubject(), OomConstraint("CONSTRAINT_NONE"),
      OomAnonRss(Lt(kOwnAnon)), OomRss(Lt(2_MiB)),
      // A few pages stay in reserve, a few of the page cache are reclaimed.
      Percent("touches", "free_touches", Between(94.0, 102.0)),
      OomPageTables(Between((f.ram - kSibling) * 3 / 4, f.ram - kSibling)),
      BystandersSurvive(),
      // Nothing of it was ever committed.
      Count("mode", Eq(p.Number("mode"))), Size("accounted", Eq(0_B)),
      // The warm-up's page: in mode 2 MAP_NORESERVE is not heard.
      Size("committed", Between(0_B, kPage)), KernelLogHas(",global_oom,"));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.settings = {
      {"/proc/sys/vm/overcommit_memory", std::string(p["mode"])}};
  if (p["stride"] != "2m") {
    instance.suite = Suite::kNightly;
    instance.timeout_seconds = 60;
  }
}

const Register kGlobalOom{
    {.id = "pages/global_oom",
     .summary =
         "page tables alone exhaust RAM in any mode; their owner is killed",
     .explains =
         {.claim = "Seed 0: \"killed with low RES\" (page_tables.global_oom); "
                   "seed 1: \"without overcommit most OOM disappears\" is "
                   "wrong here (page_tables.mode_independence)",
          .deed = "reads one byte in every 2 MiB or 1 GiB until RAM is full "
                  "of page tables",
          .functions = "oom_badness, mm_pgtables_bytes, __pte_alloc, "
                       "accountable_mapping",
          .look_at = "when the sibling dies instead, badness no longer counts "
                     "page tables"},
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .no_swap = true, .kernel_log = true},
     .adjust = Adjust,
     .params = {{"stride", {"2m", "1g"}}, {"mode", {"0", "1", "2"}}},
     .subject = Subject,
     .expect = Expect,
     .bystanders = {{.name = "sibling", .prepare = HoldMemory}},
     .oom_score_adj = 0,
     .metrics = {{.name = "touches",
                  .better = Better::kHigher,
                  .kind = Kind::kBounded,
                  .tolerance = 1024,
                  .cause = "free memory at the start, watermarks"}}}};

}  // namespace
}  // namespace oomgate
