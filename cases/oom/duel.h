// SPDX-License-Identifier: Apache-2.0
// Duels: which of two players the OOM killer takes, again and again, and by how
// many points it was decided.
#pragma once

#include "cases/oom/contest.h"

namespace oomgate::oom {

// Two players of which the killer takes the one with more points.
class Duel {
 public:
  using Hold = void (*)(Trace&, Bytes);
  struct Player {
    Hold hold = nullptr;
    Bytes size = {};
    int adj = 0;
    pid_t pid = 0;
  };
  // `per_adj`: pages that a step of oom_score_adj is worth.
  Duel(Trace& trace, const Facts& facts, std::int64_t per_adj, Player first,
       Player second);
  ~Duel();
  Duel(const Duel&) = delete;
  Duel& operator=(const Duel&) = delete;

  Player& first() { return first_; }
  Player& second() { return second_; }
  // By how many pages the second leads, by the rules.
  std::int64_t Margin() const;
  // Starts who is missing, fills the box; true where the second one died.
  bool SecondDies();
  // By how much, at most `most`, the second's score may be raised so that the
  // first one still dies.
  std::int64_t Threshold(std::int64_t most);
  // Counts in the trace what SecondDies saw:
  //   rounds     how many
  //   kills      all kills in the box meanwhile
  //   lead_lost  the most by which the second led and yet lived
  //   lead_won   the least by which it led (below 0: lagged) and died
  void Report(const Facts& facts);

 private:
  void Start(Player& player);

  Trace& trace_;
  const Facts& facts_;
  std::int64_t per_adj_;
  Player first_;
  Player second_;
  Gate ready_;
  Ballast ballast_;
  KillLog log_;
  std::int64_t kills_before_;
  std::int64_t rounds_ = 0;
  std::int64_t lead_lost_ = INT32_MIN;
  std::int64_t lead_won_ = INT32_MAX;
};

// What of a duel holds wherever it was fought: the winner changes where the
// points are equal, as seen from both sides by not more than `step` pages.
Oracle DecidedByPoints(const Facts& facts, std::int64_t step);
// The same of one whose "threshold" was looked for, where the first one has
// `lead` more than the second, and a step of its score is `step` pages.
Oracle DecidedByScore(const Facts& facts, Bytes lead, std::int64_t step);

}  // namespace oomgate::oom
