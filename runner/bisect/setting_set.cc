// SPDX-License-Identifier: Apache-2.0
// A set of settings, and what differs between two.
#include "runner/bisect/setting_set.h"

#include <fmt/core.h>

#include <sstream>

#include "runner/error.h"
#include "runner/named_setting.h"

namespace oomgate {
namespace {

constexpr const char* kCommandLine = "cmdline:";

}  // namespace

SettingSet ParseSettings(const std::string& text) {
  SettingSet set;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::string what = word.starts_with(kCommandLine)
                                 ? word.substr(0, word.find('='))
                                 : ParseSetting(word).path;
    if (what == kCommandLine) {
      throw UserError("'cmdline:' without a word: write cmdline:slab_nomerge");
    }
    if (!set.emplace(what, word).second) {
      throw UserError(fmt::format("'{}': {} is set twice", word, what));
    }
  }
  return set;
}

std::vector<SettingChange> ChangesBetween(const SettingSet& good,
                                          const SettingSet& bad) {
  std::map<std::string, SettingChange> changes;
  for (const auto& [what, word] : good) changes[what] = {what, word, {}};
  for (const auto& [what, word] : bad) {
    changes[what].what = what;
    changes[what].bad = word;
  }
  std::vector<SettingChange> differing;
  for (const auto& [what, change] : changes) {
    if (change.good != change.bad) differing.push_back(change);
  }
  return differing;
}

std::string ToText(const SettingChange& change) {
  return change.bad ? *change.bad : "without " + *change.good;
}

SettingSet WithChanges(SettingSet good,
                       const std::vector<SettingChange>& changes,
                       const std::vector<int>& made) {
  for (const int number : made) {
    const SettingChange& change = changes.at(static_cast<std::size_t>(number));
    good.erase(change.what);
    if (change.bad) good[change.what] = *change.bad;
  }
  return good;
}

GuestSettings ForGuest(const SettingSet& set) {
  GuestSettings guest;
  for (const auto& [what, word] : set) {
    if (word.starts_with(kCommandLine)) {
      guest.command_line += (guest.command_line.empty() ? "" : " ") +
                            word.substr(std::string(kCommandLine).size());
    } else {
      guest.files.push_back(ParseSetting(word));
    }
  }
  return guest;
}

}  // namespace oomgate
