// SPDX-License-Identifier: Apache-2.0
// A table of engines; all that are there must say the same.
#include "runner/shard.h"

#include <fmt/core.h>

#include <charconv>
#include <utility>
#include <vector>

#include "runner/error.h"

namespace oomgate {
namespace {

struct Engine {
  const char* name;
  const char* index;
  const char* first;  // the index of the first shard, or the variable with it
  const char* count;  // "": the engine does not tell
  const char* last = nullptr;  // where there may be gaps between
};
constexpr Engine kEngines[] = {
    {"GoogleTest", "GTEST_SHARD_INDEX", "0", "GTEST_TOTAL_SHARDS"},
    {"Bazel", "TEST_SHARD_INDEX", "0", "TEST_TOTAL_SHARDS"},
    {"Kubernetes", "JOB_COMPLETION_INDEX", "0", ""},
    {"Slurm", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN",
     "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MAX"},
    {"GitLab", "CI_NODE_INDEX", "1", "CI_NODE_TOTAL"},
};

// Nothing where it is no number, or so long that it could overflow.
std::optional<int> Number(std::string_view text) {
  if (text.size() > 9) return std::nullopt;
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

ShardNumber Checked(const ShardNumber& shard, const std::string& where) {
  if (shard.count < 1 || shard.count > kMostShards || shard.index < 1 ||
      shard.index > shard.count) {
    throw UserError(fmt::format("{}: no shard {} of {}; they count from 1",
                                where, shard.index, shard.count));
  }
  return shard;
}

class OneEngine {
 public:
  OneEngine(const Engine& engine, const Variables& variables)
      : engine_(engine), variables_(variables) {}

  ShardNumber Shard(std::optional<int> count) const {
    ShardNumber shard;
    const auto first = Number(engine_.first);
    shard.index = Required(engine_.index) -
                  (first ? *first : Required(engine_.first)) + 1;
    if (*engine_.count != '\0') {
      shard.count = Required(engine_.count);
    } else if (count) {
      shard.count = *count;
    } else {
      throw UserError(fmt::format(
          "--shard=auto: {} does not say how many there are: add --shards=N",
          engine_.name));
    }
    if (engine_.last != nullptr) CheckGaps(shard.count);
    return Checked(shard, fmt::format("--shard=auto: {}", engine_.name));
  }

  bool Here() const {
    const auto total = variables_(engine_.count);
    // GitLab says "1" in jobs that are not parallel, and no index.
    return variables_(engine_.index) || (total && *total != "1");
  }

 private:
  int Required(const std::string& name) const {
    const auto text = variables_(name);
    if (!text) {
      throw UserError(fmt::format(
          "--shard=auto: {} is not set, others of {} are", name, engine_.name));
    }
    const auto number = Number(*text);
    if (!number) {
      throw UserError(
          fmt::format("--shard=auto: {}={} is not a number", name, *text));
    }
    return *number;
  }

  // An array with gaps, or a part of one that is run again: an index does not
  // say which shard is meant.
  void CheckGaps(int count) const {
    const int first = Required(engine_.first);
    const int last = Required(engine_.last);
    if (last - first + 1 == count) return;
    throw UserError(fmt::format(
        "--shard=auto: the {} array {} to {} has {} tasks: with gaps, nothing "
        "says which shard each is; give --shard=i/n",
        engine_.name, first, last, count));
  }

  const Engine& engine_;
  const Variables& variables_;
};

ShardNumber ShardOfEngine(std::optional<int> count,
                          const Variables& variables) {
  std::optional<ShardNumber> found;
  const char* by = nullptr;
  for (const Engine& engine : kEngines) {
    const OneEngine one(engine, variables);
    if (!one.Here()) continue;
    const ShardNumber shard = one.Shard(count);
    if (found && *found != shard) {
      throw UserError(
          fmt::format("--shard=auto: {} says {}, {} says {}: give --shard=i/n",
                      by, ToText(*found), engine.name, ToText(shard)));
    }
    found = shard;
    by = engine.name;
  }
  if (found) return *found;
  std::string looked;
  for (const Engine& engine : kEngines) {
    looked += fmt::format("{}{}", looked.empty() ? "" : ", ", engine.index);
  }
  throw UserError("--shard=auto: no engine says which; looked for " + looked);
}

ShardNumber Told(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto index = Number(text.substr(0, slash));
  const auto count = slash == std::string::npos
                         ? std::nullopt
                         : Number(text.substr(slash + 1));
  if (!index || !count) {
    throw UserError("--shard=" + text + ": write 2/4, or auto");
  }
  return Checked({*index, *count}, "--shard=" + text);
}

}  // namespace

std::string ToText(const ShardNumber& shard) {
  return fmt::format("{}/{}", shard.index, shard.count);
}

ShardNumber WhichShard(const std::string& text, std::optional<int> count,
                       const Variables& variables) {
  const ShardNumber shard =
      text == "auto" ? ShardOfEngine(count, variables) : Told(text);
  if (count && *count != shard.count) {
    throw UserError(fmt::format("--shards={}: --shard={} says {}", *count, text,
                                ToText(shard)));
  }
  return shard;
}

}  // namespace oomgate
