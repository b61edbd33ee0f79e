// SPDX-License-Identifier: Apache-2.0
// Page tables alone exhaust RAM: a reader with no memory of its own is chosen
// and killed by the global OOM killer, and an innocent sibling lives on.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void HoldMemory(Trace& trace, const Params&, const Facts&) {
  WritePages(trace, MapAnonymous(trace, 40_MiB));
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapOptions options;
  options.prot = PROT_READ;
  const Bytes stride = p.Size("stride");
  options.align = 1_GiB;
  ReadPages(trace, MapAnonymous(trace, 80_TiB, options), stride);
}

Oracle Expect(const Params& p, const Facts& f) {
  // A touch costs a table and its share of the level above.
  const Bytes per_touch = p.Size("stride") == 1_GiB ? 2 * kPage : kPage;
  const std::int64_t all = f.ram / per_touch;
  return AllOf(
      OomKilled(), OomVictimIsSubject(), OomConstraint("CONSTRAINT_NONE"),
      OomAnonRss(Le(1_MiB)), OomPageTables(Ge((f.available - 40_MiB) * 9 / 10)),
      Size("last_rss", Lt(1_MiB)), Touches(Lt(all)), BystandersSurvive());
}

const Register kGlobalOom{
    {.id = "pages/global_oom",
     .summary =
         "page tables alone exhaust RAM; the killer finds who holds them",
     .explains =
         "Seed: 512 GiB of reads need 1,075,847,168 bytes of tables; \"killed "
         "with low RES\". Kernel: oom_badness counts mm_pgtables_bytes. When "
         "the sibling dies instead, badness no longer counts page tables.",
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .kernel_log = true},
     .params = {{"stride", {"2m", "1g"}}},
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
