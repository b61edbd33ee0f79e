// SPDX-License-Identifier: Apache-2.0
// Longest first, each to the shard that has least.
#include "runner/shard_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "runner/kernel/file.h"

namespace oomgate {
namespace {

// What a place costs beside the instance in it: a restored guest, a judge.
constexpr double kBesideInstance = 0.5;

// By name: mean over the runs that have it; all its places together.
std::map<std::string, double> SecondsOf(const std::vector<Run>& runs) {
  std::map<std::string, std::pair<double, int>> sums;
  for (const Run& run : runs) {
    std::map<std::string, double> seconds;
    for (const Result& result : run.results) {
      seconds[ToText(InstanceName{result.id, result.params})] +=
          result.seconds + kBesideInstance;
    }
    for (const auto& [name, value] : seconds) {
      sums[name].first += value;
      ++sums[name].second;
    }
  }
  std::map<std::string, double> means;
  for (const auto& [name, sum] : sums) means[name] = sum.first / sum.second;
  return means;
}

double Median(const std::map<std::string, double>& seconds) {
  std::vector<double> sorted;
  for (const auto& [name, value] : seconds) sorted.push_back(value);
  if (sorted.empty()) return kBesideInstance;
  std::ranges::sort(sorted);
  return sorted[sorted.size() / 2];
}

}  // namespace

ShardPlan PlanShards(const std::vector<CaseInfo>& cases, int count,
                     const std::vector<Run>& earlier) {
  ShardPlan plan{.count = count};
  const std::map<std::string, double> seconds = SecondsOf(earlier);
  const double unknown = Median(seconds);
  for (const CaseInfo& info : cases) {
    for (const InstanceInfo& instance : info.instances) {
      const InstanceName name{info.id, instance.params};
      const auto known = seconds.find(ToText(name));
      plan.shares.push_back(
          {name, 1, known == seconds.end() ? unknown : known->second});
    }
  }
  std::vector<ShardPlan::Share*> longest_first;
  for (ShardPlan::Share& share : plan.shares) longest_first.push_back(&share);
  std::ranges::stable_sort(longest_first, std::ranges::greater(),
                           &ShardPlan::Share::seconds);
  // Whole milliseconds add up to the same in any order.
  std::vector<std::int64_t> load(static_cast<std::size_t>(count));
  for (ShardPlan::Share* share : longest_first) {
    const auto least = std::ranges::min_element(load);
    *least += std::llround(share->seconds * 1000);
    share->shard = static_cast<int>(least - load.begin()) + 1;
  }
  return plan;
}

std::vector<CaseInfo> CasesOf(const ShardPlan& plan,
                              const std::vector<CaseInfo>& cases, int index) {
  std::vector<CaseInfo> own;
  auto share = plan.shares.begin();
  for (const CaseInfo& info : cases) {
    CaseInfo part = info;
    part.instances.clear();
    for (const InstanceInfo& instance : info.instances) {
      if ((share++)->shard == index) part.instances.push_back(instance);
    }
    if (!part.instances.empty()) own.push_back(std::move(part));
  }
  return own;
}

Shard ShardOf(const ShardPlan& plan, int index,
              const std::vector<std::string>& conditions) {
  Shard shard{.index = index, .count = plan.count};
  std::string all = "oomgate " OOMGATE_VERSION "\n";
  for (const std::string& condition : conditions) all += condition + "\n";
  for (std::size_t i = 0; i < plan.shares.size(); ++i) {
    const ShardPlan::Share& share = plan.shares[i];
    all += std::to_string(share.shard) + " " + ToText(share.name) + "\n";
    if (share.shard == index) shard.positions.push_back(static_cast<int>(i));
  }
  shard.plan = Digest(all);
  return shard;
}

}  // namespace oomgate
