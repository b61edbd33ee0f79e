// SPDX-License-Identifier: Apache-2.0
// Looked up by walking: a report is made once a run.
#include "runner/report/results.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace oomgate {

std::string ResultGroup::Name() const {
  if (shape.empty()) return "no place";
  return kernel.empty() ? shape : shape + ", " + kernel;
}

std::vector<ResultGroup> GroupsOf(const Run& run) {
  std::vector<ResultGroup> groups;
  for (const Result& result : run.results) {
    auto group = std::ranges::find_if(groups, [&](const ResultGroup& g) {
      return g.shape == result.shape && g.kernel == result.kernel;
    });
    if (group == groups.end()) {
      groups.push_back({result.shape, result.kernel, {}});
      group = groups.end() - 1;
    }
    group->results.push_back(&result);
  }
  return groups;
}

std::string NameOf(const Result& result) {
  return ToText(InstanceName{result.id, result.params});
}

std::string Dotted(std::string_view text) {
  std::string dotted;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ||
        c == '_' || c == '.') {
      dotted += c;
    } else if (c == '/' || c == '[' || c == ',') {
      dotted += '.';
    } else if (c != ']' && c != ' ') {
      dotted += '-';
    }
  }
  return dotted;
}

std::string Once(std::set<std::string>& used, const std::string& text,
                 std::string_view before, std::string_view after) {
  std::string unique = text;
  for (int n = 2; !used.insert(unique).second; ++n) {
    unique = fmt::format("{}{}{}{}", text, before, n, after);
  }
  return unique;
}

bool IsFinding(const Result& result) {
  return result.verdict == Verdict::kFail || result.verdict == Verdict::kLost ||
         result.verdict == Verdict::kBroken;
}

std::string CountsText(const Run& run) {
  std::array<int, std::size(kVerdictNames)> counts{};
  for (const Result& result : run.results) {
    ++counts[static_cast<std::size_t>(result.verdict)];
  }
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[i],
                        kVerdictNames[i]);
  }
  return text;
}

Metric MetricOf(const Run& run, const Result& result, const std::string& name) {
  if (const auto it = run.metrics.find(result.id); it != run.metrics.end()) {
    for (const Metric& metric : it->second) {
      if (metric.name == name) return metric;
    }
  }
  return Metric{.name = name, .unit = ""};
}

const Start* StartOf(const Run& run, const std::string& shape,
                     const std::string& kernel) {
  for (const Start& start : run.starts) {
    if (start.shape == shape && start.kernel == kernel) return &start;
  }
  return nullptr;
}

}  // namespace oomgate
