// SPDX-License-Identifier: Apache-2.0
// Who runs what: the instances of a run dealt out to shards. Every shard works
// it out by itself, so it depends on nothing but what is passed in.
#pragma once

#include <string>
#include <vector>

#include "oomgate/model/case_info.h"
#include "oomgate/model/run.h"
#include "runner/shard.h"

namespace oomgate {

struct ShardPlan {
  struct Share {
    InstanceName name;
    int shard = 1;
    double seconds = 0;  // that it is expected to take
  };
  int count = 1;
  std::vector<Share> shares = {};  // in the order of the catalogue
};

// Shards that take about as long as each other by what `earlier` runs took;
// of about as many instances where there are none.
ShardPlan PlanShards(const std::vector<CaseInfo>& cases, int count,
                     const std::vector<Run>& earlier);

// The cases of one shard, each with only its instances.
std::vector<CaseInfo> CasesOf(const ShardPlan& plan,
                              const std::vector<CaseInfo>& cases, int index);

// For run.json. `conditions`: what else must be the same in all shards, or
// their results do not belong together.
Shard ShardOf(const ShardPlan& plan, int index,
              const std::vector<std::string>& conditions);

}  // namespace oomgate
