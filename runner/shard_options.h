// SPDX-License-Identifier: Apache-2.0
// --shard, --shards, --durations: which part of a run is to be done here.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runner/run_cases.h"

namespace oomgate {

struct ShardOptions {
  std::string shard = {};  // "2/4", "auto"; "" for all of it
  std::optional<int> shards = {};
};

void AddShardOptions(CLI::App& verb, ShardOptions& options, RunOptions& run);

// Sets what part `run` is. `repeat`: the options that say under which
// conditions it runs; shards are merged only where these are the same.
void ChooseShard(const ShardOptions& options,
                 const std::vector<std::string>& repeat, RunOptions& run);

}  // namespace oomgate
