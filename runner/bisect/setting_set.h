// SPDX-License-Identifier: Apache-2.0
// A set of settings as a user writes it, and what differs between two. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oomgate/model/needs.h"

namespace oomgate {

// By what they set, the words that set it: "vm.swappiness=10", "thp=never",
// "cmdline:slab_nomerge".
using SettingSet = std::map<std::string, std::string>;

// Words with white space between. Throws UserError.
SettingSet ParseSettings(const std::string& text);

struct SettingChange {
  std::string what;
  std::optional<std::string> good;  // nothing: as the kernel has it
  std::optional<std::string> bad;
};

std::vector<SettingChange> ChangesBetween(const SettingSet& good,
                                          const SettingSet& bad);

// "vm.overcommit_memory=2", or "without thp=never".
std::string ToText(const SettingChange& change);

// `good`, with these of the changes (by number) made.
SettingSet WithChanges(SettingSet good,
                       const std::vector<SettingChange>& changes,
                       const std::vector<int>& made);

// What a guest gets of a set.
struct GuestSettings {
  std::vector<Setting> files;
  std::string command_line;
};
GuestSettings ForGuest(const SettingSet& set);

}  // namespace oomgate
