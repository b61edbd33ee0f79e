// SPDX-License-Identifier: Apache-2.0
// Finds the complaint in the log of the console.
#include "runner/report/kernel_excerpt.h"

#include <algorithm>

namespace oomgate {
namespace {

bool Helps(const Result& result) {
  if (result.verdict == Verdict::kLost || result.verdict == Verdict::kBroken) {
    return true;
  }
  return std::ranges::any_of(
             result.checks,
             [](const FailedCheck& check) { return check.value == "panic"; }) ||
         std::ranges::any_of(result.also, [](const Finding& finding) {
           return finding.what == kKernelWarning;
         });
}

// The worst first: a warning often stands before the panic that it leads to.
std::size_t ComplaintIn(const Result& result) {
  const std::string& log = result.console;
  for (const Finding& finding : result.also) {
    if (finding.what != kKernelWarning || finding.text.empty()) continue;
    const std::size_t at = log.find(finding.text);
    if (at != std::string::npos) return at;
  }
  for (const char* sign : {"Kernel panic - ", "BUG: ", "Oops: ", "WARNING: ",
                           "blocked for more than", "soft lockup"}) {
    const std::size_t at = log.find(sign);
    if (at != std::string::npos) return at;
  }
  return std::string::npos;
}

}  // namespace

std::vector<std::string> KernelExcerpt(const Result& result, std::size_t most) {
  std::vector<std::string> lines;
  if (!Helps(result) || most == 0) return lines;
  const std::string& log = result.console;
  const std::size_t complaint = ComplaintIn(result);
  std::size_t from = 0;
  if (complaint != std::string::npos && complaint > 0) {
    from = log.rfind('\n', complaint) + 1;  // npos + 1 is 0: its first line
  }
  while (from < log.size()) {
    const std::size_t end = std::min(log.find('\n', from), log.size());
    if (end > from) lines.push_back(log.substr(from, end - from));
    from = end + 1;
    if (complaint != std::string::npos && lines.size() == most) break;
  }
  if (lines.size() > most) {
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
  }
  return lines;
}

}  // namespace oomgate
