// SPDX-License-Identifier: Apache-2.0
// oomgate baseline: the only verb that writes what later runs are measured by.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runner/cli.h"
#include "runner/compare/baseline.h"
#include "runner/compare/compare.h"
#include "runner/compare/load.h"
#include "runner/compare/sides.h"
#include "runner/compare_options.h"
#include "runner/error.h"
#include "runner/kernel/file.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

struct VerbOptions {
  std::string run;
  fs::path folder = "results/baselines";
  std::string format = "human";
  bool anyway = false;
};

// A run, not a folder of them: which of them was to be blessed?
fs::path OneRun(const std::string& path) {
  const std::vector<fs::path> files = FindRuns(path);
  if (files.size() == 1) return files[0];
  throw UserError(
      fmt::format("{}: holds {} runs: name one", path, files.size()));
}

void Replace(const fs::path& file, const std::string& text) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  const fs::path temporary = file.string() + ".new";
  SaveBytes(temporary, text);
  fs::rename(temporary, file, error);
  if (error) {
    throw UserError(file.string() + ": cannot be written: " + error.message());
  }
}

// Instances that the file has, and what is to replace it has not.
std::vector<std::string> Dropped(const fs::path& file, const Baseline& next) {
  std::vector<std::string> dropped;
  if (!fs::exists(file)) return dropped;
  for (const Result& was : LoadBaseline(file).run.results) {
    const bool kept =
        std::ranges::any_of(next.run.results, [&](const Result& is) {
          return is.id == was.id && is.params == was.params;
        });
    if (!kept) dropped.push_back(ToText(InstanceName{was.id, was.params}));
  }
  return dropped;
}

// Throws UserError where the run is not what a baseline should be.
void CheckFit(const Run& run, const std::vector<Baseline>& baselines,
              const VerbOptions& options) {
  std::string why = Unfit(run);
  for (const Baseline& baseline : baselines) {
    const fs::path file = options.folder / FileOf(baseline);
    const std::vector<std::string> dropped = Dropped(file, baseline);
    if (!why.empty() || dropped.empty()) continue;
    why = fmt::format("it lacks {} instances of {}, {} among them",
                      dropped.size(), file.string(), dropped[0]);
  }
  if (why.empty()) return;
  throw UserError(
      fmt::format("{} is not blessed: {}; run again, or add --anyway to bless "
                  "what passed in it",
                  options.run, why));
}

void Bless(const VerbOptions& options) {
  const fs::path file = OneRun(options.run);
  const Run run = LoadRun(file);
  if (IsBaseline(run)) {
    throw UserError(file.string() + ": is a baseline already");
  }
  if (const std::string why = NeverFit(run); !why.empty()) {
    throw UserError(fmt::format("{} is not blessed: {}: run without that",
                                file.string(), why));
  }
  const std::vector<Baseline> baselines = BaselinesOf(run);
  if (!options.anyway) CheckFit(run, baselines, options);
  if (baselines.empty()) {
    throw UserError(file.string() + ": nothing in it can be blessed");
  }
  for (const Baseline& baseline : baselines) {
    const fs::path target = options.folder / FileOf(baseline);
    const std::string text = ToJsonText(baseline);
    const bool there = fs::exists(target);
    const bool same = there && LoadBytes(target) == text;
    if (!same) Replace(target, text);
    fmt::print("{:<9} {}: {} instances\n",
               same    ? "unchanged"
               : there ? "replaced"
                       : "new",
               target.string(), baseline.run.results.size());
  }
}

void Show(const VerbOptions& options) {
  for (const fs::path& file : FindRuns(options.folder)) {
    const Baseline baseline = LoadBaseline(file);
    std::size_t metrics = 0;
    for (const Result& result : baseline.run.results) {
      metrics += result.metrics.size();
    }
    fmt::print("{}: {}, {} instances, {} metrics\n", file.string(),
               Printable(baseline.run.starts[0].kernel),
               baseline.run.results.size(), metrics);
  }
}

// What blessing the run would change.
void Diff(const VerbOptions& options) {
  const Sides sides = LoadSides(options.folder.string(), {options.run});
  Comparison comparison =
      Compare(sides.base, sides.candidate, {.across = {Matter::kKernel}});
  comparison.base = sides.base_name;
  comparison.candidate = sides.candidate_name;
  std::fputs(ComparisonIn(options.format, comparison).c_str(), stdout);
}

// Each file is as `bless` writes it, and where that puts it.
int Check(const VerbOptions& options) {
  int wrong = 0;
  const std::vector<fs::path> files = FindRuns(options.folder);
  for (const fs::path& file : files) {
    const auto say = [&](const std::string& what) {
      ++wrong;
      fmt::print("{}\n", what);
    };
    try {
      const Baseline baseline = LoadBaseline(file);
      if (!file.string().ends_with("/" + FileOf(baseline).string())) {
        say(fmt::format("{}: belongs to {}", file.string(),
                        FileOf(baseline).string()));
      }
      if (LoadBytes(file) != ToJsonText(baseline)) {
        say(file.string() + ": edited: not as bless writes it");
      }
    } catch (const UserError& error) {
      say(error.what());
    }
  }
  fmt::print("{} baselines, {} wrong\n", files.size(), wrong);
  return wrong == 0 ? kExitOk : kExitFailure;
}

}  // namespace

void AddBaselineVerb(CLI::App& app, int& exit_code) {
  CLI::App* verb = app.add_subcommand(
      "baseline", "runs that were blessed, to compare later ones with");
  verb->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, auto act) {
    const auto o = std::make_shared<VerbOptions>();
    CLI::App* sub = verb->add_subcommand(name, what);
    sub->add_option("--into,--in", o->folder, "the folder of baselines")
        ->capture_default_str();
    sub->callback([o, act, &exit_code] {
      exit_code = kExitOk;
      act(*o, exit_code);
    });
    return std::pair{sub, o};
  };
  const auto [bless, blessing] =
      add("bless", "take a run as what is right from now on",
          [](const VerbOptions& o, int&) { Bless(o); });
  bless->add_option("run", blessing->run, "run.json or run folder")->required();
  bless->add_flag("--anyway", blessing->anyway,
                  "also a run that is not whole, has failures, or lacks what "
                  "the baseline has: what passed in it");
  add("show", "the baselines there are",
      [](const VerbOptions& o, int&) { Show(o); });
  const auto [diff, differing] =
      add("diff", "what blessing a run would change",
          [](const VerbOptions& o, int&) { Diff(o); });
  diff->add_option("run", differing->run, "run.json or run folder")->required();
  AddComparisonFormat(*diff, differing->format);
  add("check", "whether each file is as bless wrote it, and in its place",
      [](const VerbOptions& o, int& code) { code = Check(o); });
}

}  // namespace oomgate
