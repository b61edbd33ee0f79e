// SPDX-License-Identifier: Apache-2.0
// Page tables count in badness like any other page: oom_score is its formula,
// before and after a process took 32 MiB of tables and nothing else.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr std::int64_t kTouches = 8192;

std::int64_t Score() { return NumberIn("/proc/self/oom_score"); }

struct Scored : Warm {
  Range range = {};
  std::int64_t before = Score();

  std::int64_t Risen() const { return Score() - before; }
  // By how much the score is not what fs/proc/base.c, proc_oom_score, and
  // mm/oom_kill.c, oom_badness, make of it.
  std::int64_t Error() const {
    const std::int64_t total = (f.ram + f.swap) / kPage;
    const Bytes size =
        StatusField("VmRSS") + StatusField("VmPTE") + StatusField("VmSwap");
    const std::int64_t points =
        size / kPage + NumberIn("/proc/self/oom_score_adj") * (total / 1000);
    return Score() - (1000 + points * 1000 / total) * 2 / 3;
  }
};

// The score is by its formula, and so much above what it was before.
Row<Scored> Above(std::int64_t risen) {
  // Rounding; and what RSS held back before it was full.
  return Rows<Scored>{{"error", &Scored::Error, Between(-1, 1)},
                      {"risen", &Scored::Risen, Between(risen - 1, risen + 5)}};
}

Steps<Scored> Make(const Params&, const Facts& f) {
  const Bytes tables = TablesFor(0_B, kTouches, kHugePage);
  const std::int64_t risen =
      tables / kPage * 1000 * 2 / 3 / ((f.ram + f.swap) / kPage);
  return {{"map",
           [](Scored& s) {
             s.range = MapApart(s.trace, kTouches * kHugePage, PROT_READ);
           },
           {Above(0)}},
          {"read a byte in every 2 MiB",
           [](Scored& s) { ReadPages(s.trace, s.range, kHugePage); },
           {Above(risen)}},
          {"unmap", [](Scored& s) { Unmap(s.trace, s.range); }, {Above(0)}}};
}

const Register kTablesInBadness{
    {.id = "pages/tables_in_badness",
     .summary = "page tables count in oom_score, page by page",
     .claim = "Seed 0: killed with low RES: the killer counts page tables "
              "(page_tables.global_oom)",
     .functions = "oom_badness, mm_pgtables_bytes, proc_oom_score",
     .look_at = "risen: what the tables added",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB},
     .steps = Make,
     .metrics = {Metric::Count("risen", "read a byte in every 2 MiB.risen")
                     .EitherWay()}}};

}  // namespace
}  // namespace oomgate::pages
