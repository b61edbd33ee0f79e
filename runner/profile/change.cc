// SPDX-License-Identifier: Apache-2.0
// Where a changed cost went, as values and as a table.
#include "runner/profile/change.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <tuple>

#include "runner/report/text.h"

namespace oomgate {
namespace {

std::uint64_t CountOf(const Profile& profile, const std::string& function) {
  const auto it = profile.functions.find(function);
  return it == profile.functions.end() ? 0 : it->second;
}

std::string Scope(const Profile& profile) {
  return profile.scope == "deed" ? "of the measured deed"
                                 : "of the whole guest";
}

std::string Where(const Profile& profile) {
  return Printable(profile.kernel + " " + profile.shape);
}

std::string Relative(const FunctionChange& row) {
  if (row.before == 0) return "new";
  if (row.now == 0) return "gone";
  const double factor =
      static_cast<double>(row.now) / static_cast<double>(row.before);
  return factor < 100 ? fmt::format("{:+.2f} %", 100 * (factor - 1))
                      : fmt::format("x {:.0f}", factor);
}

std::string Row(const FunctionChange& row) {
  return fmt::format("  {:<40} {:>14} {:>14} {:>+14} {:>11}\n",
                     Printable(row.function), row.before, row.now, row.change(),
                     Relative(row));
}

}  // namespace

std::vector<FunctionChange> Changes(const Profile& before, const Profile& now) {
  std::set<std::string> names;
  for (const Profile* profile : {&before, &now}) {
    for (const auto& [name, count] : profile->functions) names.insert(name);
  }
  std::vector<FunctionChange> changes;
  for (const std::string& name : names) {
    const FunctionChange change{name, CountOf(before, name),
                                CountOf(now, name)};
    if (change.change() != 0) changes.push_back(change);
  }
  std::ranges::stable_sort(
      changes, std::ranges::greater(),
      [](const FunctionChange& change) { return std::abs(change.change()); });
  return changes;
}

std::string ChangeTable(const Profile& before, const Profile& now,
                        std::size_t top) {
  const std::vector<FunctionChange> changes = Changes(before, now);
  std::string text = fmt::format(
      "{}\n  before: {}\n  now:    {}\n  instructions {}\n",
      Printable(now.instance), Where(before), Where(now), Scope(now));
  if (changes.empty()) {
    return text +
           fmt::format("  no function differs: {} instructions\n", now.Sum());
  }
  text += fmt::format("\n  {:<40} {:>14} {:>14} {:>14}\n", "function", "before",
                      "now", "change");
  text += Row({"all", before.Sum(), now.Sum()});
  FunctionChange others{"", 0, 0};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i < top) {
      text += Row(changes[i]);
    } else {
      others.before += changes[i].before;
      others.now += changes[i].now;
    }
  }
  if (changes.size() > top) {
    others.function = fmt::format("{} more that differ", changes.size() - top);
    text += Row(others);
  }
  return text;
}

}  // namespace oomgate
