// SPDX-License-Identifier: Apache-2.0
// Which part of a run this process is to do: told by the user, or by the
// variables of the engine that started it.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace oomgate {

inline constexpr int kMostShards = 10000;

struct ShardNumber {
  int index = 1;  // from 1
  int count = 1;
  bool operator==(const ShardNumber&) const = default;
};

// "2/4".
std::string ToText(const ShardNumber& shard);

// The value of a variable; nothing where it is not set, or empty.
using Variables =
    std::function<std::optional<std::string>(const std::string& name)>;

// `text`: "2/4"; or "auto", where the variables of GoogleTest, Bazel, a
// Kubernetes Indexed Job, a Slurm array or GitLab say it. `count`: how many
// shards the user says there are, which not every engine tells. Throws
// UserError where something is missing, out of range, or contradicts another.
ShardNumber WhichShard(const std::string& text, std::optional<int> count,
                       const Variables& variables);

}  // namespace oomgate
