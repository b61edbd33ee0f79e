// SPDX-License-Identifier: Apache-2.0
// oom_badness, as arithmetic: who is killed where the whole machine is full.
#include <algorithm>

#include "runner/ask/answer.h"
#include "runner/ask/units.h"

namespace oomgate {
namespace {

constexpr int kExempt = -1000;  // OOM_SCORE_ADJ_MIN

}  // namespace

std::vector<Ranked> RankVictims(const MemoryFacts& f,
                                const std::vector<ProcessFacts>& processes) {
  const std::int64_t total = (f.ram + f.swap).count / kPageSize;
  std::vector<Ranked> ranked;
  for (const ProcessFacts& p : processes) {
    // oom_unkillable_task, and oom_badness's LONG_MIN.
    if (p.pid == 1 || p.kernel_thread || p.oom_score_adj == kExempt) continue;
    const std::int64_t own = (p.rss + p.swap + p.page_tables).count / kPageSize;
    const std::int64_t adjustment = p.oom_score_adj * (total / 1000);
    ranked.push_back(
        {p, own + adjustment,
         fmt::format("RSS {} + swap {} + page tables {}{}", Mib(p.rss),
                     Mib(p.swap), Mib(p.page_tables),
                     p.oom_score_adj == 0
                         ? ""
                         : fmt::format("; oom_score_adj {} counts as {}",
                                       p.oom_score_adj,
                                       Mib(Bytes{adjustment * kPageSize})))});
  }
  // Of equals the kernel keeps the one that it saw first: the lower pid.
  std::ranges::stable_sort(ranked, [](const Ranked& a, const Ranked& b) {
    if (a.points != b.points) return a.points > b.points;
    return a.process.pid < b.process.pid;
  });
  return ranked;
}

Answer AskOom(const MemoryFacts& f, const std::vector<Ranked>& ranked) {
  Answer answer;
  answer.rule =
      "oom_badness: RSS + swap entries + page tables, in pages, + "
      "oom_score_adj * (RAM + swap) / 1000; the most points die, threads and "
      "sharers of the memory with it; pid 1, kernel threads and -1000 never";
  answer.certainty =
      "high, if the whole machine were full now; a full cgroup, cpuset or "
      "memory policy chooses among its own, and RSS lags by up to 64 pages "
      "for each thread";
  answer.numbers.emplace_back("RAM + swap", Mib(f.ram + f.swap));
  answer.numbers.emplace_back("vm.panic_on_oom",
                              std::to_string(f.panic_on_oom));
  answer.numbers.emplace_back("vm.oom_kill_allocating_task",
                              std::to_string(f.kill_allocating_task));
  if (f.panic_on_oom != 0) {
    answer.verdict = Answer::Verdict::kNo;
    answer.answer = "nobody: the machine panics (vm.panic_on_oom)";
  } else if (f.kill_allocating_task != 0) {
    answer.verdict = Answer::Verdict::kDepends;
    answer.answer =
        "whoever asks for memory then (vm.oom_kill_allocating_task); the "
        "ranking counts only where that one is exempt";
  } else if (ranked.empty()) {
    answer.verdict = Answer::Verdict::kNo;
    answer.answer = "nobody can be killed: the machine would panic";
  } else {
    answer.answer = fmt::format("{} (pid {})", ranked.front().process.name,
                                ranked.front().process.pid);
  }
  return answer;
}

}  // namespace oomgate
