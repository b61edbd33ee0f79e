// SPDX-License-Identifier: Apache-2.0
// Page tables alone exhaust RAM: a reader with no memory of its own is chosen
// and killed by the global OOM killer, and an innocent sibling lives on.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void HoldMemory(Trace& trace, const Params& p, const Facts&) {
  const Bytes size = p.Size("sibling");
  if (size > 0_B) WritePages(trace, MapAnonymous(trace, size));
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapOptions options;
  options.prot = PROT_READ;
  const Bytes stride = p.Size("stride");
  options.align = 1_GiB;
  ReadPages(trace, MapAnonymous(trace, 80_TiB, options), stride);
}

Oracle Expect(const Params& p, const Facts& f) {
  // A touch costs a table; at 1 GiB it costs the directory above it too.
  const Bytes per_touch = p.Size("stride") == 1_GiB ? 2 * kPage : kPage;
  const Bytes left = f.ram - p.Size("sibling");
  return AllOf(OomKilled(), OomVictimIsSubject(),
               OomConstraint("CONSTRAINT_NONE"), OomAnonRss(Lt(512_KiB)),
               OomRss(Lt(1_MiB)), OomPageTables(Ge(left * 3 / 4)),
               Touches(Between(left * 3 / 4 / per_touch, left / per_touch)),
               BystandersSurvive());
}

const Register kGlobalOom{
    {.id = "pages/global_oom",
     .summary =
         "page tables alone exhaust RAM; the killer finds who holds them",
     .explains =
         "Claim: 512 GiB of reads need 1,075,847,168 bytes of tables; \"killed "
         "with low RES\". Kernel: oom_badness counts mm_pgtables_bytes. When "
         "the sibling dies instead, badness no longer counts page tables.",
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .no_swap = true, .kernel_log = true},
     .params = {{"stride", {"2m", "1g"}}, {"sibling", {"0", "40m"}}},
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
