// SPDX-License-Identifier: Apache-2.0
// Matches patterns against the catalogue.
#include "runner/selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "runner/error.h"

namespace oomgate {
namespace {

struct Pattern {
  std::string id;  // may be a glob
  std::optional<Params> params;

  explicit Pattern(const std::string& text) : id(text) {
    // Brackets with '=' are parameters; others are a glob's set of letters.
    const std::size_t open = text.rfind('[');
    if (open == std::string::npos) return;
    if (const auto name = ParseInstance("x" + text.substr(open))) {
      id = text.substr(0, open);
      params = name->params;
    }
  }

  bool Means(const CaseInfo& info) const {
    if (id == info.id) return true;
    if (::fnmatch(id.c_str(), info.id.c_str(), 0) != 0) return false;
    const auto folder = [](const std::string& path) {
      return path.substr(0, path.find('/'));
    };
    return !info.meta || folder(id) == folder(info.id);
  }
  bool Means(const CaseInfo& info, const InstanceInfo& instance,
             Suite suite) const {
    if (params) return *params == instance.params;
    return id == info.id || instance.suite <= suite;
  }
};

std::size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

// What to say of a pattern that matches nothing.
std::string NothingMatches(const Catalogue& catalogue,
                           const std::string& text) {
  const Pattern pattern(text);
  std::vector<std::string> instances;
  for (const CaseInfo& info : catalogue) {
    if (!pattern.Means(info)) continue;
    for (const InstanceInfo& instance : info.instances) {
      instances.push_back(ToText(InstanceName{info.id, instance.params}));
    }
  }
  if (!instances.empty()) {
    if (instances.size() > 12) {
      instances.resize(12);
      instances.emplace_back("…");
    }
    return "no instance matches '" + text + "'; there are " + Joined(instances);
  }
  const std::vector<std::string> closest = ClosestIds(catalogue, pattern.id);
  return "no case matches '" + text + "'" +
         (closest.empty() ? "" : "; closest: " + Joined(closest)) +
         " (oomgate list shows all)";
}

}  // namespace

std::vector<CaseInfo> Select(const Catalogue& catalogue,
                             const std::vector<std::string>& patterns,
                             Suite suite) {
  std::vector<CaseInfo> selected;
  std::vector<bool> used(patterns.size(), false);
  const std::vector<Pattern> read(patterns.begin(), patterns.end());
  for (const CaseInfo& info : catalogue) {
    CaseInfo meant = info;
    if (patterns.empty()) {
      if (info.meta) continue;
      std::erase_if(meant.instances, [suite](const InstanceInfo& instance) {
        return instance.suite > suite;
      });
    } else {
      meant.instances.clear();
      for (const InstanceInfo& instance : info.instances) {
        bool any = false;
        for (std::size_t i = 0; i < read.size(); ++i) {
          if (read[i].Means(info) && read[i].Means(info, instance, suite)) {
            used[i] = any = true;
          }
        }
        if (any) meant.instances.push_back(instance);
      }
    }
    if (!meant.instances.empty()) selected.push_back(std::move(meant));
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) throw UserError(NothingMatches(catalogue, patterns[i]));
  }
  return selected;
}

std::vector<std::string> ClosestIds(const Catalogue& catalogue,
                                    const std::string& text) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const CaseInfo& info : catalogue) {
    const std::string name = info.id.substr(info.id.rfind('/') + 1);
    std::size_t distance =
        std::min(EditDistance(text, info.id), EditDistance(text, name));
    if (text.size() > 2 && info.id.find(text) != std::string::npos) {
      distance = 0;
    }
    if (distance <= std::max<std::size_t>(2, text.size() / 3)) {
      ranked.emplace_back(distance, info.id);
    }
  }
  std::ranges::stable_sort(ranked, {}, &decltype(ranked)::value_type::first);
  std::vector<std::string> ids;
  for (const auto& [distance, id] : ranked) {
    if (ids.size() < 3) ids.push_back(id);
  }
  return ids;
}

}  // namespace oomgate
