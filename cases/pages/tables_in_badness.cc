// SPDX-License-Identifier: Apache-2.0
// Page tables count in badness like any other page: oom_score is its formula,
// before and after a process took 32 MiB of tables and nothing else.
#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr std::int64_t kTouches = 8192;

// fs/proc/base.c, proc_oom_score, and mm/oom_kill.c, oom_badness. Swap is none.
std::int64_t ScoreByFormula(const Facts& f) {
  const std::int64_t total = (f.ram + f.swap) / kPage;
  const std::int64_t adjust = NumberIn("/proc/self/oom_score_adj");
  const std::int64_t points =
      (StatusField("VmRSS") + StatusField("VmPTE") + StatusField("VmSwap")) /
          kPage +
      adjust * (total / 1000);
  return (1000 + points * 1000 / total) * 2 / 3;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Range range = pages::MapApart(trace, kTouches * kHugePage, PROT_READ);
  const std::int64_t before = NumberIn("/proc/self/oom_score");
  trace.Set("error_before", before - ScoreByFormula(f));
  ReadPages(trace, range, kHugePage);
  const std::int64_t full = NumberIn("/proc/self/oom_score");
  trace.Set("error_full", full - ScoreByFormula(f));
  trace.Set("risen", full - before);
  Unmap(trace, range);
  const std::int64_t after = NumberIn("/proc/self/oom_score");
  trace.Set("error_after", after - ScoreByFormula(f));
  trace.Set("left", after - before);
}

Oracle Expect(const Params&, const Facts& f) {
  // Rounding.
  const auto about = [](const char* name, std::int64_t value) {
    return Count(name, Between(value - 1, value + 1));
  };
  // And what RSS held back before it was full.
  const auto more = [](const char* name, std::int64_t value) {
    return Count(name, Between(value - 1, value + 5));
  };
  const Bytes tables = pages::TablesFor(0_B, kTouches, kHugePage);
  return AllOf(Survives(), about("error_before", 0), about("error_full", 0),
               about("error_after", 0), more("left", 0),
               more("risen", tables / kPage * 1000 * 2 / 3 /
                                 ((f.ram + f.swap) / kPage)));
}

const Register kTablesInBadness{
    {.id = "pages/tables_in_badness",
     .summary = "page tables count in oom_score, page by page",
     .explains = {.claim = "Seed 0: killed with low RES: the killer counts "
                           "page tables (page_tables.global_oom)",
                  .deed = "takes 32 MiB of page tables and compares oom_score "
                          "with its formula",
                  .functions = "oom_badness, mm_pgtables_bytes, "
                               "proc_oom_score",
                  .look_at = "risen: what the tables added"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "risen"}}}};

}  // namespace
}  // namespace oomgate
