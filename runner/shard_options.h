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
  // "2/4", "auto"; none for all of it. An empty text, of a variable that was
  // not set, is an error: it is not all.
  std::optional<std::string> shard = {};
  std::optional<int> shards = {};
};

void AddShardOptions(CLI::App& verb, ShardOptions& options, RunOptions& run);

// Sets what part `run` is. `repeat`: the options that say under which
// conditions it runs; shards are merged only where these are the same.
void ChooseShard(const ShardOptions& options,
                 const std::vector<std::string>& repeat, RunOptions& run);

}  // namespace oomgate
