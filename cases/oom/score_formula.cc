// SPDX-License-Identifier: Apache-2.0
// /proc/<pid>/oom_score is badness in thousandths of RAM and swap, to the page:
// read after every page that is added, of every kind that counts.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

// Several steps of the score, at 54 pages a thousandth of 256 MiB.
constexpr std::int64_t kPages = 400;

std::int64_t Score(const Facts& f, std::int64_t points) {
  const std::int64_t total = (f.ram + f.swap) / kPage;
  // fs/proc/base.c, proc_oom_score, since 5.9 (9066e5cfb73c) and 5.4.y.
  return (1000 + points * 1000 / total) * 2 / 3;
}

// Counts in the trace where the kernel differs from the rule.
class Comparison {
 public:
  Comparison(Trace& trace, const Facts& facts, const char* wrong,
             const char* steps)
      : facts_(facts),
        wrong_(trace.Counter(wrong)),
        steps_(trace.Counter(steps)) {}

  void Look(int adj) {
    const std::int64_t error = RssError(facts_);
    const std::int64_t points =
        PagesOf(0) + adj * PagesPerAdj(facts_.ram + facts_.swap);
    const std::int64_t score = NumberIn("/proc/self/oom_score");
    if (score < Score(facts_, points - error) ||
        score > Score(facts_, points + error)) {
      ++wrong_;
    }
    if (score != last_ && last_ >= 0) ++steps_;
    last_ = score;
  }

 private:
  const Facts& facts_;
  std::atomic<std::int64_t>& wrong_;
  std::atomic<std::int64_t>& steps_;
  std::int64_t last_ = -1;
};

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Range anonymous = MapAnonymous(trace, kPages * kPage);
  MapOptions shared;
  shared.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  const Range file = MapAnonymous(trace, kPages * kPage, shared);
  MapOptions sparse;
  sparse.prot = PROT_READ;
  const Range tables = MapAnonymous(trace, kPages * kHugePage, sparse);
  Comparison of_anonymous(trace, f, "anonymous.wrong", "anonymous.steps");
  Comparison of_shared(trace, f, "shared.wrong", "shared.steps");
  Comparison of_tables(trace, f, "tables.wrong", "tables.steps");
  Comparison of_adj(trace, f, "adj.wrong", "adj.steps");
  for (std::int64_t i = 0; i < kPages; ++i) {
    WritePages(trace, anonymous.Part(i * kPage, kPage));
    of_anonymous.Look(0);
  }
  for (std::int64_t i = 0; i < kPages; ++i) {
    WritePages(trace, file.Part(i * kPage, kPage));
    of_shared.Look(0);
  }
  for (std::int64_t i = 0; i < kPages; ++i) {
    ReadPages(trace, tables.Part(i * kHugePage, kPage));
    of_tables.Look(0);
  }
  for (int adj = 0; adj <= 1000; adj += 40) {
    SetAdj(trace, 0, adj);
    of_adj.Look(adj);
  }
}

Oracle Expect(const Params&, const Facts& f) {
  // Two of three thousandths show; what is approximate may jump.
  const std::int64_t total = (f.ram + f.swap) / kPage;
  const std::int64_t steps = kPages * 1000 / total * 2 / 3 - 1;
  const std::int64_t most =
      RssError(f) > 0 ? kPages : kPages * 1000 / total + 2;
  return AllOf(Survives(), Count("anonymous.wrong", Eq(0)),
               Count("shared.wrong", Eq(0)), Count("tables.wrong", Eq(0)),
               Count("adj.wrong", Eq(0)), Count("adj.steps", Eq(25)),
               Count("anonymous.steps", Between(steps, most)),
               Count("shared.steps", Between(steps, most)),
               Count("tables.steps", Between(steps, most)));
}

std::string Probe(const Params&, const Facts& f) {
  return f.kernel >= KernelVersion{5, 9}
             ? ""
             : "before 5.9 the score ended at 0, and 5.4.y has either rule";
}

const Register kScoreFormula{
    {.id = "oom/score_formula",
     .summary = "oom_score follows badness, page by page",
     .explains =
         {.claim = "Seed 0: killed with low RES; the score counts RSS, swap "
                   "and page tables (Documentation/filesystems/proc.rst, 3.2)",
          .deed = "adds 400 pages of each kind, one by one, then raises "
                  "oom_score_adj, and computes the score after every step",
          .functions = "proc_oom_score, oom_badness, mm_pgtables_bytes",
          .look_at = "which of the four kinds is wrong; no steps: the kind "
                     "does not count at all"},
     .suite = Suite::kQuick,
     .probe = Probe,
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0,
     .metrics = {{.name = "anonymous.wrong", .better = Better::kLower},
                 {.name = "tables.wrong", .better = Better::kLower}}}};

}  // namespace
}  // namespace oomgate::oom
