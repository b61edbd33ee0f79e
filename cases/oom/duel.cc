// SPDX-License-Identifier: Apache-2.0
// Duels for the OOM killer.
#include "cases/oom/duel.h"

namespace oomgate::oom {
namespace {

// Less than any player holds: what one kill frees is not used up before it is
// seen.
constexpr Bytes kFree = 512_KiB;

}  // namespace

Duel::Duel(Trace& trace, const Facts& facts, std::int64_t per_adj, Player first,
           Player second)
    : trace_(trace),
      facts_(facts),
      per_adj_(per_adj),
      first_(first),
      second_(second),
      ready_(trace),
      ballast_(trace),
      log_(trace),
      kills_before_(Kills(facts)) {}

Duel::~Duel() {
  for (const Player& player : {first_, second_}) {
    if (player.pid != 0) EndChild(player.pid);
  }
}

void Duel::Start(Player& player) {
  if (player.pid == 0) {
    player.pid = StartPlayer(trace_, ready_, player.adj,
                             [&] { player.hold(trace_, player.size); });
  }
  SetAdj(trace_, player.pid, player.adj);
}

std::int64_t Duel::Margin() const {
  return PagesOf(second_.pid) + second_.adj * per_adj_ - PagesOf(first_.pid) -
         first_.adj * per_adj_;
}

bool Duel::SecondDies() {
  // The ballast gives way to who comes back.
  const Bytes missing = (first_.pid == 0 ? first_.size : 0_B) +
                        (second_.pid == 0 ? second_.size : 0_B);
  ballast_.Shrink(missing + kFree);
  Start(first_);
  Start(second_);
  const std::int64_t margin = Margin();
  const std::int64_t kills = Kills(facts_);
  log_.Skip();
  ballast_.GrowUntilKill(facts_);
  const pid_t victim = log_.First();
  if (victim != first_.pid && victim != second_.pid) {
    trace_.Stop("somebody else was killed", 0);
  }
  ++rounds_;
  const bool second_dies = victim == second_.pid;
  // A player that is killed while another exits counts for this round, too.
  for (std::int64_t dead = 0; dead < Kills(facts_) - kills; ++dead) {
    (NextVictim(trace_) == first_.pid ? first_ : second_).pid = 0;
  }
  if (second_dies) {
    lead_won_ = std::min(lead_won_, margin);
  } else {
    lead_lost_ = std::max(lead_lost_, margin);
  }
  return second_dies;
}

std::int64_t Duel::Threshold(std::int64_t most) {
  const int adj = second_.adj;
  return Largest(most, [&](std::int64_t more) {
    second_.adj = adj + static_cast<int>(more);
    return !SecondDies();
  });
}

void Duel::Report(const Facts& facts) {
  trace_.Set("rounds", rounds_);
  trace_.Set("kills", Kills(facts) - kills_before_);
  trace_.Set("lead_lost", lead_lost_);
  trace_.Set("lead_won", lead_won_);
}

Oracle DecidedByPoints(const Facts& facts, std::int64_t step) {
  const std::int64_t error = 2 * RssError(facts);
  return AllOf(Count("lead_lost", Between(-step - error, error)),
               Count("lead_won", Between(-error, step + error)));
}

Oracle DecidedByScore(const Facts& facts, Bytes lead, std::int64_t step) {
  const std::int64_t threshold = lead / kPage / step;
  // The larger one has up to three more page tables.
  const std::int64_t error = (2 * RssError(facts) + 4) / step + 1;
  return AllOf(
      Count("threshold", Between(threshold - error, threshold + error)),
      DecidedByPoints(facts, step));
}

}  // namespace oomgate::oom
