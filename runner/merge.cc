// SPDX-License-Identifier: Apache-2.0
// Checks first that the shards are one run, then puts them together.
#include "runner/merge.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "runner/error.h"
#include "runner/shard.h"

namespace oomgate {
namespace {

// Where each result stands in the plan; fewer where some are not there.
std::vector<int> PositionsOf(const Run& run) {
  std::vector<int> positions;
  std::size_t instance = 0;
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const Result& result = run.results[i];
    const auto same = [&](const Result& other) {
      return other.id == result.id && other.params == result.params;
    };
    if (i > 0 && !same(run.results[i - 1])) ++instance;
    if (instance >= run.shard->positions.size()) return {};
    positions.push_back(run.shard->positions[instance]);
  }
  return positions;
}

bool CameToItsEnd(const Run& run) {
  if (run.finished.empty() || run.interrupted) return false;
  const std::vector<int> positions = PositionsOf(run);
  return positions.size() == run.results.size() &&
         std::set<int>(positions.begin(), positions.end()).size() ==
             run.shard->positions.size();
}

std::string Names(const std::vector<const NamedRun*>& runs) {
  std::string names;
  for (const NamedRun* run : runs) {
    names += (names.empty() ? "" : ", ") + run->name;
  }
  return names;
}

class Merger {
 public:
  explicit Merger(const std::vector<NamedRun>& shards) : shards_(shards) {}

  Merged Take() {
    CheckOnePlan();
    for (int index = 1; index <= shards_[0].run.shard->count; ++index) {
      Choose(index);
    }
    Stop();
    CheckKernels();
    CheckSum();
    Stop();
    Assemble();
    return std::move(merged_);
  }

 private:
  void Wrong(const std::string& what) {
    wrong_ += (wrong_.empty() ? "" : "; ") + what;
  }
  void Stop() const {
    if (!wrong_.empty()) throw HarnessError("cannot merge: " + wrong_);
  }

  void CheckOnePlan() {
    std::map<std::string, std::vector<const NamedRun*>> plans;
    for (const NamedRun& shard : shards_) {
      if (!shard.run.shard) {
        Wrong(shard.name + " is no shard");
      } else if (shard.run.shard->index < 1 ||
                 shard.run.shard->index > shard.run.shard->count ||
                 shard.run.shard->count > kMostShards) {
        Wrong(shard.name + " says that it is shard " + NumberOf(shard.run));
      } else {
        plans[shard.run.shard->plan + "/" +
              std::to_string(shard.run.shard->count)]
            .push_back(&shard);
      }
    }
    if (shards_.empty()) Wrong("no shards");
    if (plans.size() > 1) {
      std::string parts;
      for (const auto& [plan, runs] : plans) {
        parts += (parts.empty() ? "" : " | ") + Names(runs);
      }
      Wrong(
          "shards of different runs (other instances, options, durations or "
          "version): " +
          parts);
    }
    Stop();
  }

  void Choose(int index) {
    std::vector<const NamedRun*> whole;
    std::vector<const NamedRun*> cut_off;
    for (const NamedRun& shard : shards_) {
      if (shard.run.shard->index != index) continue;
      (CameToItsEnd(shard.run) ? whole : cut_off).push_back(&shard);
    }
    const std::string shard =
        "shard " + ToText(ShardNumber{index, shards_[0].run.shard->count});
    if (whole.size() > 1) {
      Wrong(shard + " is there more than once: " + Names(whole));
    } else if (whole.empty() && cut_off.empty()) {
      Wrong(shard + " is missing");
    } else if (whole.empty()) {
      Wrong(shard + " did not come to its end: " + Names(cut_off));
    } else {
      chosen_.push_back(whole[0]);
      for (const NamedRun* run : cut_off) {
        merged_.passed_over.push_back(run->name);
      }
    }
  }

  // Its kernel is what a place is tested for.
  void CheckKernels() {
    std::map<std::string, std::pair<std::string, const NamedRun*>> seen;
    for (const NamedRun* shard : chosen_) {
      for (const Start& start : shard->run.starts) {
        const std::string kernel = start.kernel + " " + start.version;
        const auto& [first, by] =
            seen.try_emplace(start.place, kernel, shard).first->second;
        if (first == kernel) continue;
        Wrong(fmt::format("different kernels on {}: {} in {}, {} in {}",
                          start.place, first, by->name, kernel, shard->name));
        break;
      }
    }
  }

  // What the plan's digest promises, unless somebody edited a file.
  void CheckSum() {
    std::vector<int> all;
    for (const NamedRun* shard : chosen_) {
      all.insert(all.end(), shard->run.shard->positions.begin(),
                 shard->run.shard->positions.end());
    }
    std::ranges::sort(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i] == static_cast<int>(i)) continue;
      Wrong(fmt::format("instance {} of the plan is in no shard, or in two",
                        i + 1));
      return;
    }
  }

  void Assemble() {
    Run& run = merged_.run;
    run.oomgate = chosen_[0]->run.oomgate;
    run.started = chosen_[0]->run.started;
    // The same in all, as their options are.
    run.invert = chosen_[0]->run.invert;
    run.without = chosen_[0]->run.without;
    std::vector<std::pair<int, const Result*>> placed;
    for (const NamedRun* shard : chosen_) {
      const Run& part = shard->run;
      run.started = std::min(run.started, part.started);
      run.finished = std::max(run.finished, part.finished);
      for (const Start& start : part.starts) {
        if (std::ranges::none_of(run.starts, [&](const Start& other) {
              return SameKindOfPlace(other, start);
            })) {
          run.starts.push_back(start);
        }
      }
      run.metrics.insert(part.metrics.begin(), part.metrics.end());
      const std::vector<int> positions = PositionsOf(part);
      for (std::size_t i = 0; i < positions.size(); ++i) {
        placed.emplace_back(positions[i], &part.results[i]);
      }
    }
    std::ranges::stable_sort(placed, {}, &decltype(placed)::value_type::first);
    for (const auto& [position, result] : placed) {
      run.results.push_back(*result);
    }
  }

  static std::string NumberOf(const Run& run) {
    return ToText(ShardNumber{run.shard->index, run.shard->count});
  }

  const std::vector<NamedRun>& shards_;
  std::vector<const NamedRun*> chosen_;  // in order
  Merged merged_;
  std::string wrong_;
};

}  // namespace

Merged Merge(const std::vector<NamedRun>& shards) {
  return Merger(shards).Take();
}

}  // namespace oomgate
