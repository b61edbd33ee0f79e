// SPDX-License-Identifier: Apache-2.0
// KTAP version 1, as the kernel's own kunit.py reads it: a subtest per shape
// and kernel.
#include <fmt/core.h>

#include <algorithm>

#include "runner/report/formats.h"
#include "runner/report/results.h"

namespace oomgate {
namespace {

// Wherever they stand, readers of kernel logs take them for the log's end.
constexpr const char* kEnds[] = {
    "List of all partitions:", "Kernel panic - not syncing: VFS:",
    "reboot: System halted"};

std::string Description(std::string text) {
  for (const std::string end : kEnds) {
    for (std::size_t at = 0; (at = text.find(end, at)) != std::string::npos;) {
      text.replace(at + end.rfind(':'), 1, "\\x3a");
    }
  }
  // What follows a '#' is a directive.
  for (std::size_t at = 0; (at = text.find('#', at)) != std::string::npos;) {
    text.replace(at, 1, "\\x23");
  }
  std::ranges::replace(text, '\n', ' ');
  return text;
}

// "# what: text", a line each.
std::string Diagnostics(const char* what, const std::string& text) {
  return text.empty() ? ""
                      : fmt::format("    # {}: {}\n", what, Description(text));
}

std::string TestText(const Result& result, std::size_t number) {
  std::string text;
  const char* outcome = "ok";
  std::string directive;
  switch (result.verdict) {
    case Verdict::kPass:
      break;
    case Verdict::kKnown:
      // "not ok … # XFAIL" would count as a failure.
      directive = " # XFAIL known";
      break;
    case Verdict::kSkip:
      directive = " # SKIP " + Description(result.reason);
      break;
    case Verdict::kFail:
    case Verdict::kLost:
    case Verdict::kBroken:
      outcome = "not ok";
      text += Diagnostics("verdict", ToText(result.verdict));
      text += Diagnostics("ended", result.end);
      break;
  }
  if (result.verdict != Verdict::kSkip) {
    text += Diagnostics("reason", result.reason);
  }
  for (const auto& [name, value] : result.metrics) {
    text += Diagnostics("metric", fmt::format("{} {}", name, value));
  }
  return text + fmt::format("    {} {} {}{}\n", outcome, number,
                            Description(NameOf(result)), directive);
}

}  // namespace

std::string ToKtap(const Reported& reported) {
  const std::vector<ResultGroup> groups = GroupsOf(reported.run);
  std::string text = fmt::format("KTAP version 1\n1..{}\n", groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const ResultGroup& group = groups[i];
    const std::string name = Description(group.Name());
    text += fmt::format("    KTAP version 1\n    # Subtest: {}\n    1..{}\n",
                        name, group.results.size());
    for (std::size_t n = 0; n < group.results.size(); ++n) {
      text += TestText(*group.results[n], n + 1);
    }
    const bool failed = std::ranges::any_of(
        group.results, [](const Result* r) { return IsFinding(*r); });
    text += fmt::format("{} {} {}\n", failed ? "not ok" : "ok", i + 1, name);
  }
  return text;
}

}  // namespace oomgate
