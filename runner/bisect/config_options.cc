// SPDX-License-Identifier: Apache-2.0
// Lines of a .config.
#include "runner/bisect/config_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <sstream>

namespace oomgate {
namespace {

constexpr std::string_view kPrefix = "CONFIG_";
constexpr std::string_view kOff = " is not set";

bool ToldByTheCompiler(std::string_view option) {
  constexpr std::string_view kStarts[] = {
      "CONFIG_CC_HAS_",     "CONFIG_CC_CAN_",       "CONFIG_CC_VERSION",
      "CONFIG_CC_IS_",      "CONFIG_AS_",           "CONFIG_LD_",
      "CONFIG_GCC_VERSION", "CONFIG_CLANG_VERSION", "CONFIG_PAHOLE_VERSION"};
  return std::ranges::any_of(kStarts, [&](std::string_view start) {
    return option.starts_with(start);
  });
}

}  // namespace

ConfigOptions ParseConfigOptions(std::string_view text) {
  ConfigOptions options;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kPrefix)) {
      const std::size_t equals = line.find('=');
      if (equals == std::string::npos) continue;
      options[line.substr(0, equals)] = line.substr(equals + 1);
    } else if (line.starts_with("# CONFIG_") && line.ends_with(kOff)) {
      options[line.substr(2, line.size() - 2 - kOff.size())] = "n";
    }
  }
  return options;
}

std::string ConfigText(const ConfigOptions& options) {
  std::string text;
  for (const auto& [option, value] : options) {
    text += value == "n" ? fmt::format("# {}{}\n", option, kOff)
                         : fmt::format("{}={}\n", option, value);
  }
  return text;
}

std::vector<ConfigChange> ConfigChangesBetween(const ConfigOptions& good,
                                               const ConfigOptions& bad) {
  std::map<std::string, ConfigChange> all;
  for (const auto& [option, value] : good) all[option] = {option, value, ""};
  for (const auto& [option, value] : bad) {
    all[option].option = option;
    all[option].bad = value;
  }
  std::vector<ConfigChange> changes;
  for (const auto& [option, change] : all) {
    if (change.good != change.bad && !ToldByTheCompiler(option)) {
      changes.push_back(change);
    }
  }
  return changes;
}

ConfigOptions WithChanges(ConfigOptions good,
                          const std::vector<ConfigChange>& changes,
                          const std::vector<int>& made) {
  for (const int number : made) {
    const ConfigChange& change = changes.at(static_cast<std::size_t>(number));
    if (change.bad.empty()) {
      good.erase(change.option);
    } else {
      good[change.option] = change.bad;
    }
  }
  return good;
}

std::string ToText(const std::vector<ConfigChange>& changes,
                   const std::vector<int>& made, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(made.size(), most); ++i) {
    const ConfigChange& change = changes.at(static_cast<std::size_t>(made[i]));
    text += fmt::format("{}{}{}", text.empty() ? "" : " ",
                        change.bad.empty() ? "without " : "", change.option);
    if (!change.bad.empty()) text += "=" + change.bad;
  }
  return made.size() > most
             ? fmt::format("{} … ({} options)", text, made.size())
             : text;
}

}  // namespace oomgate
