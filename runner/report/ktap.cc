// SPDX-License-Identifier: Apache-2.0
// KTAP version 1, as the kernel's own kunit.py reads it: a subtest per shape
// and kernel.
#include <fmt/core.h>

#include <algorithm>

#include "runner/record/findings_text.h"
#include "runner/report/formats.h"
#include "runner/report/log_line.h"
#include "runner/report/results.h"

namespace oomgate {
namespace {

// "# what: text", a line each.
std::string Diagnostics(const char* what, const std::string& text) {
  return text.empty() ? "" : fmt::format("    # {}: {}\n", what, LogLine(text));
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
      directive = " # SKIP " + LogLine(result.reason);
      break;
    case Verdict::kFail:
    case Verdict::kLost:
    case Verdict::kBroken:
      outcome = "not ok";
      text += Diagnostics("verdict", ToText(result.verdict));
      text += Diagnostics("ended", result.end);
      break;
  }
  if (FindingsSayWhy(result)) {
    for (const FailedCheck& check : result.checks) {
      text += Diagnostics("check", ToText(check));
    }
    for (const Finding& finding : result.also) {
      text += Diagnostics("found", ToText(finding));
    }
  } else if (result.verdict != Verdict::kSkip) {
    text += Diagnostics("reason", result.reason);
  }
  for (const LeftOut& out : result.left_out) {
    text += Diagnostics("left out", ToText(out));
  }
  for (const auto& [name, value] : result.metrics) {
    text += Diagnostics("metric", fmt::format("{} {}", name, value));
  }
  return text + fmt::format("    {} {} {}{}\n", outcome, number,
                            LogLine(NameOf(result)), directive);
}

}  // namespace

std::string ToKtap(const Reported& reported) {
  const std::vector<ResultGroup> groups = GroupsOf(reported.run);
  std::string text = fmt::format("KTAP version 1\n1..{}\n", groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const ResultGroup& group = groups[i];
    const std::string name = LogLine(group.Name());
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
