// SPDX-License-Identifier: Apache-2.0
// From options and the engine's variables to one shard of a run.
#include "runner/shard_options.h"

#include <cstdlib>
#include <fstream>

#include "runner/cli.h"
#include "runner/error.h"
#include "runner/shard.h"

namespace oomgate {
namespace {

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// Tells Bazel and GoogleTest's own launchers that shards are understood.
void AcknowledgeShard() {
  for (const char* name :
       {"TEST_SHARD_STATUS_FILE", "GTEST_SHARD_STATUS_FILE"}) {
    const auto file = Variable(name);
    if (file && !std::ofstream(*file, std::ios::app)) {
      throw UserError(std::string(name) + "=" + *file + ": cannot be written");
    }
  }
}

}  // namespace

void AddShardOptions(CLI::App& verb, ShardOptions& options, RunOptions& run) {
  CLI::Option* const shard =
      verb.add_option("--shard", options.shard,
                      "only this part of the instances: 2/4; or auto: as the "
                      "engine that started this says by its variables")
          ->option_text("I/N");
  verb.add_option("--shards", options.shards,
                  "how many shards there are, where the engine does not say")
      ->check(CLI::Range(1, kMostShards))
      ->needs(shard);
  AddDurationsOption(verb, run.durations)->needs(shard);
}

void ChooseShard(const ShardOptions& options,
                 const std::vector<std::string>& repeat, RunOptions& run) {
  if (!options.shard) return;
  run.shard = WhichShard(*options.shard, options.shards, Variable);
  if (options.shard == "auto") AcknowledgeShard();
  run.conditions = repeat;
  // What ran says more than how it was called here.
  std::erase_if(run.conditions, [](const std::string& option) {
    return option.starts_with("--kernel");
  });
  run.conditions.push_back("--on=" + run.on);
}

}  // namespace oomgate
