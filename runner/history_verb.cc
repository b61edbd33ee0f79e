// SPDX-License-Identifier: Apache-2.0
// oomgate history: what many runs say of each metric, one after the other.
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runner/cli.h"
#include "runner/compare/change_points.h"
#include "runner/compare/history.h"
#include "runner/compare/load.h"
#include "runner/error.h"
#include "runner/report/history.h"
#include "runner/selection.h"

namespace oomgate {
namespace {

struct VerbOptions {
  std::string folder;
  std::vector<std::string> patterns;
  std::string across;
  std::string format = "human";
};

// Calls each(0) … each(count - 1) on as many threads as there are CPUs; throws
// what the first that failed threw.
template <typename Each>
void InParallel(std::size_t count, Each each) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  {
    std::vector<std::jthread> threads;
    const unsigned cpus =
        std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
    for (unsigned i = 0; i < cpus; ++i) {
      threads.emplace_back([&] {
        try {
          while (true) {
            const std::size_t i = next++;
            if (i >= count) return;
            each(i);
          }
        } catch (...) {
          next = count;
          const std::lock_guard lock(mutex);
          if (!error) error = std::current_exception();
        }
      });
    }
  }
  if (error) std::rethrow_exception(error);
}

History Load(const VerbOptions& options) {
  const auto files = FindRuns(options.folder);
  HistoryBuilder builder(options.across == "kernel");
  std::mutex mutex;
  InParallel(files.size(), [&](std::size_t i) {
    const Run run = LoadRun(files[i]);
    const std::lock_guard lock(mutex);
    builder.Add(run, files[i].string());
  });
  return std::move(builder).Finish();
}

// Drops the series that no pattern means.
void Narrow(History& history, const std::vector<std::string>& patterns) {
  Catalogue catalogue;
  for (const Series& series : history.series) {
    if (catalogue.empty() || catalogue.back().id != series.id) {
      catalogue.emplace_back().id = series.id;
    }
    InstanceInfo instance;
    instance.params = series.params;
    catalogue.back().instances.push_back(instance);
  }
  std::set<std::string> meant;
  for (const CaseInfo& info : Select(catalogue, patterns)) {
    for (const InstanceInfo& instance : info.instances) {
      meant.insert(ToText(InstanceName{info.id, instance.params}));
    }
  }
  std::erase_if(history.series, [&](const Series& series) {
    return !meant.contains(ToText(InstanceName{series.id, series.params}));
  });
}

int HistoryVerb(const VerbOptions& options) {
  History history = Load(options);
  if (!options.patterns.empty()) Narrow(history, options.patterns);
  std::vector<Trend> trends(history.series.size());
  InParallel(trends.size(), [&](std::size_t i) {
    const Series& series = history.series[i];
    trends[i] = {&series,
                 FindChangePoints(series.values, GuardOf(series.metric))};
  });
  if (options.format == "json") {
    PrintHistoryJson(stdout, history, trends);
  } else {
    PrintHistory(stdout, history, trends, !options.patterns.empty());
  }
  return kExitOk;
}

}  // namespace

void AddHistoryVerb(CLI::App& app, int& exit_code) {
  const auto o = std::make_shared<VerbOptions>();
  CLI::App* verb = app.add_subcommand(
      "history", "when metrics changed, over all runs below a folder");
  verb->add_option("folder", o->folder, "of runs, as --results of run names it")
      ->required();
  verb->add_option("patterns", o->patterns,
                   "ids, globs or instance names, to be shown whether they "
                   "changed or not; default: all that changed");
  verb->add_option("--across", o->across,
                   "kernel: a series goes on where the kernel's changes")
      ->check(CLI::IsMember({"kernel"}));
  AddFormatOption(*verb, o->format);
  verb->callback([o, &exit_code] { exit_code = HistoryVerb(*o); });
}

}  // namespace oomgate
