// SPDX-License-Identifier: Apache-2.0
// Delta debugging over options, a kernel built for each set, all in one folder:
// what an option does not touch is not compiled again.
#include "runner/bisect/config.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

#include "runner/bisect/build.h"
#include "runner/bisect/config_options.h"
#include "runner/bisect/delta_debugging.h"
#include "runner/bisect/finding.h"
#include "runner/error.h"
#include "runner/kernel/file.h"
#include "runner/kernel/store.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownOptions = 6;
constexpr const char* kImage = "arch/x86/boot/bzImage";

class ConfigSearch {
 public:
  explicit ConfigSearch(const ConfigSearchOptions& options)
      : options_(options),
        search_(options, {{"verb", "config"},
                          {"instance", options.run.patterns[0]},
                          {"metric", options.metric},
                          {"source", options.source},
                          {"good", Digest(LoadBytes(options.good))},
                          {"bad", Digest(LoadBytes(options.bad))}}),
        objects_(fs::absolute(search_.log().folder() / "build")) {
    fs::create_directories(objects_);
    good_ = Completed(LoadBytes(options.good));
    changes_ = ConfigChangesBetween(good_, Completed(LoadBytes(options.bad)));
    if (changes_.empty()) {
      throw UserError(
          "both are the same after `make olddefconfig`: there is nothing to "
          "find");
    }
  }

  void Go() {
    Changes all;
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      all.push_back(static_cast<int>(i));
    }
    search_.TryEnds(TrialOf({}), Built({}), TrialOf(all), Built(all));
    Tell(SmallestBadSet(
        static_cast<int>(changes_.size()),
        [this](const Changes& made, int left) {
          return search_.Try(TrialOf(made), left, Built(made)).outcome.answer;
        }));
  }

 private:
  std::string Make(const std::string& target) const {
    return fmt::format(
        "make -s -C {} O={} -j{} {}", ShellQuoted(options_.source),
        ShellQuoted(objects_.string()),
        std::max(1U, std::thread::hardware_concurrency()), target);
  }

  std::string Run(const std::string& command, const std::string& log) const {
    return Build(command, search_.log().folder() / log,
                 std::chrono::seconds(options_.build_seconds), cancel_);
  }

  // What `make olddefconfig` makes of it; stands in the build's folder, too.
  ConfigOptions Completed(const std::string& text) const {
    SaveBytes(objects_ / ".config", text);
    const std::string failed = Run(Make("olddefconfig"), "olddefconfig.log");
    if (!failed.empty()) {
      throw UserError(fmt::format("{}: {}", options_.source, failed));
    }
    return ParseConfigOptions(LoadBytes(objects_ / ".config"));
  }

  Trial TrialOf(const Changes& made) const {
    return {.key = ToText(changes_, made, changes_.size()),
            .title = made.empty() ? "the good configuration"
                                  : ToText(changes_, made, kShownOptions)};
  }

  std::string ConfigFile(const Changes& made) const {
    return fmt::format(
        "configs/{}",
        Digest(ToText(changes_, made, changes_.size())).substr(0, 8));
  }

  Prepare Built(const Changes& made) {
    return [this, made](RunOptions& run, Trial& trial) -> std::string {
      Completed(ConfigText(WithChanges(good_, changes_, made)));
      const fs::path folder = search_.log().folder();
      fs::create_directories(folder / "configs");
      SaveBytes(folder / ConfigFile(made), LoadBytes(objects_ / ".config"));
      trial.build =
          fmt::format("builds/{:03}.log", search_.log().trials().size() + 1);
      std::string failed = Run(Make("bzImage"), trial.build);
      if (!failed.empty()) return failed;
      run.kernel = objects_ / kImage;
      run.kernels = folder / "kernel";  // nothing to be found by others
      run.cold = true;
      fs::remove_all(run.kernels);
      fs::create_directories(run.kernels);
      try {
        KernelStore(run.kernels).Add(run.kernel);
      } catch (const UserError& unusable) {
        return Printable(unusable.what());
      }
      return "";
    };
  }

  void Tell(const Changes& smallest) const {
    BisectFinding finding;
    finding.culprit =
        fmt::format("Enough, and none can go: {} ({} of {} options)",
                    ToText(changes_, smallest, changes_.size()),
                    smallest.size(), changes_.size());
    finding.before = *search_.Tried(TrialOf({}).key);
    if (const Trial* bad = search_.Tried(TrialOf(smallest).key)) {
      finding.now = *bad;
    }
    for (const Trial& trial : search_.log().trials()) {
      if (trial.outcome.answer != BisectAnswer::kSkip) continue;
      finding.notes.push_back("could not be judged, and counted as good: " +
                              trial.title);
    }
    finding.again = fmt::format(
        "cp {} {} && {} && {}",
        ShellQuoted((search_.log().folder() / ConfigFile(smallest)).string()),
        ShellQuoted((objects_ / ".config").string()),
        Make("olddefconfig bzImage"),
        search_.Again({"--kernel=" + (objects_ / kImage).string()}));
    search_.Tell(FindingText(finding, search_.log().folder()));
  }

  const ConfigSearchOptions& options_;
  const Cancel cancel_;
  Search search_;
  const fs::path objects_;
  ConfigOptions good_;
  std::vector<ConfigChange> changes_;
};

}  // namespace

void BisectConfig(const ConfigSearchOptions& options) {
  CheckOneInstance(options.run.patterns[0]);
  if (!options.run.kernel.empty()) {
    throw UserError("--kernel: the kernels are built from --source");
  }
  if (!fs::exists(fs::path(options.source) / "Kconfig")) {
    throw UserError(fmt::format("{}: no kernel's source: it has no Kconfig",
                                options.source));
  }
  ConfigSearch(options).Go();
}

}  // namespace oomgate
