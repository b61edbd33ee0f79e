// SPDX-License-Identifier: Apache-2.0
// Which expectations did not hold, and in which words that is said.
#include "cases/kit/verdict.h"

#include <algorithm>

namespace oomgate {
namespace {

// The checks that can be made although the subject did not come to the end of
// the step.
Oracle OfWhatIsSet(const Oracle& oracle, const View& view) {
  Oracle set;
  for (const Check& check : oracle.checks()) {
    if (!check.of_values.empty() &&
        std::ranges::all_of(check.of_values, [&](const std::string& name) {
          return view.Value(name).has_value();
        })) {
      set += check;
    }
  }
  return set;
}

void Append(std::vector<FailedCheck>& all, std::vector<FailedCheck> more) {
  std::ranges::move(more, std::back_inserter(all));
}

bool Covers(const std::vector<Known>& bugs, const KernelVersion& kernel,
            std::vector<Known>& covering) {
  for (const Known& bug : bugs) {
    if (kernel < bug.since || kernel >= bug.fixed) continue;
    if (std::ranges::none_of(covering, [&](const Known& other) {
          return other.what == bug.what;
        })) {
      covering.push_back(bug);
    }
    return true;
  }
  return false;
}

std::string Sentence(const FailedCheck& check) {
  std::string text = check.step.empty() ? "" : check.step + ": ";
  text += check.value == kEnd ? "it ended as " : check.value + " is ";
  return text + check.seen + ", expected " + check.expected;
}

}  // namespace

std::vector<FailedCheck> WhatFailed(const std::vector<Step>& steps,
                                    const Oracle& whole, int reached,
                                    const Outcome& outcome) {
  std::vector<FailedCheck> failed;
  const int count = static_cast<int>(steps.size());
  bool end_expected = whole.LooksAt(kEnd);
  for (int i = 0; i < count && i <= reached; ++i) {
    const Step& step = steps[static_cast<std::size_t>(i)];
    if (!step.left_out.empty()) continue;
    const View view{outcome, step.name};
    const bool ends_here = step.expect.LooksAt(kEnd);
    end_expected |= ends_here;
    const bool cut_off = i == reached && !ends_here;
    Append(failed,
           FailedChecks(cut_off ? OfWhatIsSet(step.expect, view) : step.expect,
                        view));
  }
  Append(failed, FailedChecks(whole, {outcome}));
  if (end_expected) return failed;
  const std::string where = reached < 0 ? "set-up"
                            : reached == count
                                ? ""
                                : steps[static_cast<std::size_t>(reached)].name;
  Append(failed, FailedChecks(Survives(), {outcome, where}));
  const bool exited = outcome.end == Outcome::End::kExited && outcome.code == 0;
  if (exited && reached < count) {
    failed.push_back({where, kEnd, "exited 0, before all steps were done",
                      "all steps done"});
  }
  return failed;
}

std::vector<Known> KnownBugs(const Case& definition,
                             const std::vector<Step>& steps,
                             const std::vector<FailedCheck>& failed,
                             const KernelVersion& kernel) {
  std::vector<Known> bugs;
  if (Covers(definition.known, kernel, bugs)) return bugs;
  for (const FailedCheck& check : failed) {
    const auto step = std::ranges::find(steps, check.step, &Step::name);
    if (step == steps.end() || !Covers(step->known, kernel, bugs)) return {};
  }
  return bugs;
}

std::string ReasonOf(const std::vector<FailedCheck>& checks,
                     const std::vector<Finding>& also) {
  std::string reason;
  if (!checks.empty()) reason = Sentence(checks.front());
  if (checks.size() > 1) {
    reason += " (and " + std::to_string(checks.size() - 1) + " more)";
  }
  for (const Finding& finding : also) {
    // What the killer did explains a failure, and is none.
    if (finding.what == kOomKiller) continue;
    reason += (reason.empty() ? "" : "; ") + finding.what + ": " + finding.text;
  }
  return reason;
}

}  // namespace oomgate
