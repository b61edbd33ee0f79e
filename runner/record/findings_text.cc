// SPDX-License-Identifier: Apache-2.0
// Findings in words. A result that the runner made itself has a reason only.
#include "runner/record/findings_text.h"

namespace oomgate {

std::string ToText(const FailedCheck& check) {
  return (check.step.empty() ? "" : check.step + ": ") + check.value + " is " +
         check.seen + ", expected " + check.expected;
}

std::string ToText(const Finding& finding) {
  return finding.what + ": " + finding.text;
}

std::string ToText(const LeftOut& out) {
  return out.reason.empty() ? out.step : out.step + ": " + out.reason;
}

std::vector<std::string> FindingsOf(const Result& result) {
  std::vector<std::string> texts;
  for (const FailedCheck& check : result.checks) {
    texts.push_back(ToText(check));
  }
  for (const Finding& finding : result.also) texts.push_back(ToText(finding));
  return texts;
}

bool FindingsSayWhy(const Result& result) {
  const bool judged =
      result.verdict == Verdict::kFail || result.verdict == Verdict::kKnown;
  return judged && !(result.checks.empty() && result.also.empty());
}

std::string WhyNoPass(const Result& result, std::size_t most_checks) {
  if (!FindingsSayWhy(result)) return result.reason;
  std::string text;
  const auto add = [&](const std::string& item) {
    text += (text.empty() ? "" : "; ") + item;
  };
  std::size_t shown = 0;
  for (const FailedCheck& check : result.checks) {
    if (shown == most_checks) break;
    ++shown;
    add(ToText(check));
  }
  if (shown < result.checks.size()) {
    text += " (and " + std::to_string(result.checks.size() - shown) + " more)";
  }
  for (const Finding& finding : result.also) add(ToText(finding));
  return text;
}

}  // namespace oomgate
