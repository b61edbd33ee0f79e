// SPDX-License-Identifier: Apache-2.0
// The options of a kernel's .config, and what differs between two. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace oomgate {

// "CONFIG_NUMA" -> "y", "m", "n" or another value, as it is written.
using ConfigOptions = std::map<std::string, std::string>;

ConfigOptions ParseConfigOptions(std::string_view text);
// For `make olddefconfig`.
std::string ConfigText(const ConfigOptions& options);

struct ConfigChange {
  std::string option;
  std::string good;  // "": that configuration does not know it
  std::string bad;
};

// What says how it was built (CONFIG_CC_…, CONFIG_GCC_VERSION, …) is told by
// the compiler, not by the user: it is left out.
std::vector<ConfigChange> ConfigChangesBetween(const ConfigOptions& good,
                                               const ConfigOptions& bad);

// `good`, with these of the changes (by number) made.
ConfigOptions WithChanges(ConfigOptions good,
                          const std::vector<ConfigChange>& changes,
                          const std::vector<int>& made);

// "CONFIG_NUMA=n CONFIG_KSM=y", or, of many, some and how many.
std::string ToText(const std::vector<ConfigChange>& changes,
                   const std::vector<int>& made, std::size_t most);

}  // namespace oomgate
