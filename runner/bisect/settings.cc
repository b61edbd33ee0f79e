// SPDX-License-Identifier: Apache-2.0
// Delta debugging over settings of guests.
#include "runner/bisect/settings.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "runner/bisect/delta_debugging.h"
#include "runner/bisect/finding.h"
#include "runner/bisect/setting_set.h"
#include "runner/error.h"

namespace oomgate {
namespace {

class SettingsSearch {
 public:
  SettingsSearch(const SearchOptions& options, const std::string& good,
                 const std::string& bad)
      : good_(ParseSettings(good)),
        changes_(ChangesBetween(good_, ParseSettings(bad))),
        append_(options.run.append),
        search_(options, {{"verb", "settings"},
                          {"instance", options.run.patterns[0]},
                          {"metric", options.metric},
                          {"kernel", options.run.kernel},
                          {"good", good},
                          {"bad", bad}}) {
    if (changes_.empty()) {
      throw UserError("both sets are the same: there is nothing to find");
    }
    search_.CheckEachRun([this](const Run& run) { return NotInForce(run); });
  }

  void Go() {
    Changes all;
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      all.push_back(static_cast<int>(i));
    }
    search_.TryEnds(TrialOf({}), Setting({}), TrialOf(all), Setting(all));
    const Changes smallest = SmallestBadSet(
        static_cast<int>(changes_.size()),
        [this](const Changes& made, int left) {
          return search_.Try(TrialOf(made), left, Setting(made)).outcome.answer;
        });
    Tell(smallest);
  }

 private:
  std::string TextOf(const Changes& made) const {
    std::string text;
    for (const int number : made) {
      text += (text.empty() ? "" : " ") +
              ToText(changes_[static_cast<std::size_t>(number)]);
    }
    return text;
  }

  Trial TrialOf(const Changes& made) const {
    const std::string text = TextOf(made);
    return {.key = text, .title = text.empty() ? "the good settings" : text};
  }

  Prepare Setting(const Changes& made) {
    return [this, made](RunOptions& run, Trial&) {
      const GuestSettings guest = ForGuest(WithChanges(good_, changes_, made));
      wanted_ = guest.files;
      run.settings.insert(run.settings.end(), guest.files.begin(),
                          guest.files.end());
      if (!guest.command_line.empty()) {
        run.append += (append_.empty() ? "" : " ") + guest.command_line;
        run.cold = true;  // a saved guest for each would only fill the disk
      }
      return std::string();
    };
  }

  // What the kernel did not take; THP files show the value in brackets.
  std::string NotInForce(const Run& run) const {
    if (run.starts.empty()) return "";  // no guest: the verdict says why
    const auto& in_force = run.starts.front().settings;
    for (const oomgate::Setting& setting : wanted_) {
      const auto found = in_force.find(setting.path);
      if (found == in_force.end()) {
        return "this kernel has no " + setting.path;
      }
      if (found->second != setting.value &&
          found->second.find('[' + setting.value + ']') == std::string::npos) {
        return fmt::format("the kernel did not take {}={}: it has {}",
                           setting.path, setting.value, found->second);
      }
    }
    return "";
  }

  void Tell(const Changes& smallest) {
    BisectFinding finding;
    finding.culprit =
        fmt::format("Enough, and none can go: {} ({} of {} changes)",
                    TextOf(smallest), smallest.size(), changes_.size());
    if (const Trial* good = search_.Tried(TrialOf({}).key)) {
      finding.before = *good;
    }
    if (const Trial* bad = search_.Tried(TrialOf(smallest).key)) {
      finding.now = *bad;
    }
    int skipped = 0;
    for (const Trial& trial : search_.log().trials()) {
      skipped += trial.outcome.answer == BisectAnswer::kSkip ? 1 : 0;
    }
    if (skipped > 0) {
      finding.notes.push_back(
          fmt::format("{} sets could not be judged, and counted as good; the "
                      "log says which",
                      skipped));
    }
    const SettingSet set = WithChanges(good_, changes_, smallest);
    std::vector<std::string> options;
    const GuestSettings guest = ForGuest(set);
    for (const oomgate::Setting& setting : guest.files) {
      options.push_back("--set=" + setting.path + "=" + setting.value);
    }
    if (!guest.command_line.empty()) {
      options.push_back("--append=" + guest.command_line);
    }
    finding.again = search_.Again(options);
    search_.Tell(FindingText(finding, search_.log().folder()));
  }

  const SettingSet good_;
  const std::vector<SettingChange> changes_;
  const std::string append_;
  std::vector<oomgate::Setting> wanted_ = {};  // by the run that goes on
  Search search_;
};

}  // namespace

void BisectSettings(const SearchOptions& options, const std::string& good,
                    const std::string& bad) {
  for (const std::string& instance : options.run.patterns) {
    CheckOneInstance(instance);
  }
  for (const std::string& instance : options.run.patterns) {
    SearchOptions one = options;
    one.run.patterns = {instance};
    if (options.run.patterns.size() > 1) {
      std::string folder = instance;
      std::ranges::replace(folder, '/', '-');
      one.run.results += "/" + folder;
    }
    SettingsSearch(one, good, bad).Go();
  }
}

}  // namespace oomgate
