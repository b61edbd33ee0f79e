// SPDX-License-Identifier: Apache-2.0
// A page is a page for the killer, be it anonymous, shared or a page table:
// the size at which a holder of plain memory dies instead is found, to a page.
#include "cases/oom/duel.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kFixed = 2_MiB;
// Around which the size of the other one is looked for.
constexpr std::int64_t kWindow = 256;
constexpr int kBase = 300;

Duel::Hold HoldOf(const Params& p) {
  if (p["of"] == "shared") return HoldShared;
  return p["of"] == "tables" ? HoldTables : HoldAnonymous;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  Duel duel(trace, f, PagesPerAdj(f.box),
            {.hold = HoldOf(p), .size = kFixed, .adj = kBase},
            {.hold = HoldAnonymous, .size = kFixed, .adj = kBase});
  const auto first_dies = [&](std::int64_t pages) {
    duel.second().size = kFixed + (pages - kWindow / 2) * kPage;
    if (duel.second().pid != 0) {
      EndChild(duel.second().pid);
      duel.second().pid = 0;
    }
    return !duel.SecondDies();
  };
  trace.Set("smaller_lives", first_dies(0));
  trace.Set("largest",
            kFixed + (Largest(kWindow, first_dies) - kWindow / 2) * kPage);
  duel.Report(f);
}

Oracle Expect(const Params& p, const Facts& f) {
  // Tables come with three upper levels, and anonymous pages with tables of
  // their own: two or three.
  const Bytes error = (2 * RssError(f) + 8) * kPage;
  // Tables and files are given back after the killer may look again.
  const std::int64_t extra = p["of"] == "anonymous" ? 0 : 20;
  return AllOf(Survives(),
               Difference("kills", "rounds", Between<std::int64_t>(0, extra)),
               Count("smaller_lives", 1),
               Size("largest", Between(kFixed - error, kFixed + error)),
               DecidedByPoints(f, 2));
}

const Register kBadnessTerms{
    {.id = "oom/badness_terms",
     .summary = "anonymous, shared and page-table pages weigh the same",
     .claim = "Seed 0: \"killed with low RES\" for its page tables; "
              "oom_badness adds RSS, swap and page tables",
     .deed = "2 MiB of one kind against anonymous memory in a cgroup: bisects "
             "how much of it the kind outweighs",
     .functions = "oom_badness, get_mm_rss, mm_pgtables_bytes",
     .look_at = "lead_lost and lead_won, in pages: what of the first one's "
                "memory is not counted, or counted twice",
     .blast = Blast::kCgroup,
     .needs = {.memory = 15_MiB, .kernel_log = true, .settings = ManyKills()},
     .params = {{"of", {"anonymous", "shared", "tables"}}},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0,
     .metrics = {Metric::Size("largest").EitherWay().Within(
         1 << 20, "RSS is read approximately from 6.2 to 6.19")}}};

}  // namespace
}  // namespace oomgate::oom
