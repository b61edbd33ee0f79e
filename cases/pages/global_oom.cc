// SPDX-License-Identifier: Apache-2.0
// Page tables alone exhaust RAM, whatever vm.overcommit_memory says: a reader
// with no memory of its own is killed, and an innocent sibling lives on.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

// The code that this program runs, mapped 16 pages at a time.
constexpr Bytes kOwnCode = 2_MiB;
constexpr Bytes kSibling = 40_MiB;

void HoldMemory(Trace& trace, const Params&, const Facts&) {
  WritePages(trace, MapAnonymous(trace, kSibling));
}

struct Sparse : Warm {
  Range range = {};
  void Map() { range = MapApart(trace, 64_TiB, PROT_READ); }
  Bytes Accounted() const { return ReadMapping(range).accounted; }
};

Bytes Committed() { return Meminfo("Committed_AS"); }
std::int64_t Mode() { return kVmKnobs.Number("overcommit_memory"); }

void Read(Sparse& s) {
  // Each takes a leaf, at 1 GiB a directory too, and a 512th of the next level.
  const std::int64_t takes = s.p["stride"] == "1g" ? 1025 : 513;
  s.Set("free_touches", Meminfo("MemFree") / kPage * 512 / takes);
  ReadPages(s.trace, s.range, s.p.Size("stride"));
}

Steps<Sparse> Make(const Params& p, const Facts& f) {
  return {
      // Nothing of it is ever committed.
      {"map 64 TiB", &Sparse::Map, Change("committed", Committed, 0_B),
       Is("accounted", &Sparse::Accounted, 0_B),
       Is("mode", Mode, p.Number("mode"))},
      {"read a byte in every stride", Read, OomKilled(), OomVictimIsSubject(),
       OomConstraint("CONSTRAINT_NONE"), OomAnonRss(Lt(kOwnAnon)),
       OomRss(Lt(kOwnAnon + kOwnCode)),
       // A few pages stay in reserve, a few of the page cache are reclaimed.
       Percent("touches", "free_touches", Between(94.0, 102.0)),
       OomPageTables(Between((f.ram - kSibling) * 3 / 4, f.ram - kSibling)),
       BystandersSurvive(), KernelLogHas(",global_oom,")}};
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.settings = {kVmKnobs.With("overcommit_memory", p["mode"])};
  if (p["stride"] == "2m") return;
  instance.suite = Suite::kNightly;
  instance.timeout_seconds = 60;
}

const Register kGlobalOom{
    {.id = "pages/global_oom",
     .summary =
         "page tables alone exhaust RAM in any mode; their owner is killed",
     .claim = "Seed 0: \"killed with low RES\" (page_tables.global_oom); seed "
              "1: \"without overcommit most OOM disappears\" is wrong here "
              "(page_tables.mode_independence)",
     .functions =
         "oom_badness, mm_pgtables_bytes, __pte_alloc, accountable_mapping",
     .look_at = "the sibling dies: badness no longer counts page tables",
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .no_swap = true, .kernel_log = true},
     .adjust = Adjust,
     .params = {{"stride", {"2m", "1g"}}, {"mode", {"0", "1", "2"}}},
     .steps = Make,
     .bystanders = {{.name = "sibling", .prepare = HoldMemory}},
     .oom_score_adj = 0,
     .metrics = {Metric::Count("touches", "read a byte in every stride.touches")
                     .HigherIsBetter()
                     .Within(1024, "free memory at the start, watermarks")}}};

}  // namespace
}  // namespace oomgate::pages
