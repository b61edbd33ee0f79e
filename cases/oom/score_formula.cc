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

struct Scored : Scene {
  Range anonymous = MapAnonymous(trace, kPages* kPage);
  Range shared =
      MapAnonymous(trace, kPages* kPage,
                   {.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE});
  Range tables = MapAnonymous(trace, kPages* kHugePage, {.prot = PROT_READ});

  // Does something `count` times, looks at the score each time, and sets how
  // often that is wrong and how often it changes. `change` gives oom_score_adj.
  template <typename Do>
  void Compare(std::int64_t count, Do change) const {
    MapCode();  // else a page of it may come between two readings
    const std::int64_t error = RssError(f);
    std::int64_t last = -1;
    std::int64_t wrong = 0;
    std::int64_t changes = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t adj = change(i);
      const std::int64_t points =
          PagesOf(0) + adj * PagesPerAdj(f.ram + f.swap);
      const std::int64_t score = NumberIn("/proc/self/oom_score");
      wrong +=
          score < Score(f, points - error) || score > Score(f, points + error);
      changes += score != last && last >= 0;
      last = score;
    }
    Set("wrong", wrong);
    Set("changes", changes);
  }
};

// One byte in each `stride`, one by one.
template <typename Touch>
auto Each(Range Scored::*range, Bytes stride, Touch touch) {
  return [=](Scored& s) {
    s.Compare(kPages, [&](std::int64_t i) {
      touch(s.trace, (s.*range).Part(i * stride, kPage), kPage);
      return 0;
    });
  };
}

Steps<Scored> Make(const Params&, const Facts& f) {
  // Two of three thousandths show; what is approximate may jump.
  const std::int64_t changes = kPages * 1000 / ((f.ram + f.swap) / kPage);
  const auto follows =
      AllOf(Count("wrong", 0),
            Count("changes", Between(changes * 2 / 3 - 1,
                                     RssError(f) > 0 ? kPages : changes + 2)));
  return {
      {"write anonymous pages",
       Each(&Scored::anonymous, kPage, WritePages),
       {follows}},
      {"write shared pages",
       Each(&Scored::shared, kPage, WritePages),
       {follows}},
      {"read with a table each",
       Each(&Scored::tables, kHugePage, ReadPages),
       {follows}},
      {"raise oom_score_adj by 40s",
       [](Scored& s) {
         s.Compare(26, [&](std::int64_t i) {
           SetAdj(s.trace, 0, static_cast<int>(40 * i));
           return 40 * i;
         });
       },
       {Count("wrong", 0), Count("changes", 25)}},
  };
}

std::string Probe(const Params&, const Facts& f) {
  return f.kernel >= KernelVersion{5, 9}
             ? ""
             : "before 5.9 the score ended at 0, and 5.4.y has either rule";
}

const Register kScoreFormula{
    {.id = "oom/score_formula",
     .summary = "oom_score follows badness, page by page",
     .claim = "Seed 0: killed with low RES; the score counts RSS, swap and "
              "page tables (Documentation/filesystems/proc.rst, 3.2)",
     .functions = "proc_oom_score, oom_badness, mm_pgtables_bytes",
     .look_at = "no changes: the kind does not count at all",
     .suite = Suite::kQuick,
     .probe = Probe,
     .steps = Make,
     .oom_score_adj = 0,
     .metrics = {
         Metric::Count("anonymous.wrong", "write anonymous pages.wrong"),
         Metric::Count("tables.wrong", "read with a table each.wrong")}}};

}  // namespace
}  // namespace oomgate::oom
