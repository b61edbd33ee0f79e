// SPDX-License-Identifier: Apache-2.0
// oomgate plan: which instances go into which shard.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "oomgate/model/json.h"
#include "runner/catalogue.h"
#include "runner/cli.h"
#include "runner/error.h"
#include "runner/programs.h"
#include "runner/report/read_run.h"
#include "runner/selection.h"
#include "runner/shard_plan.h"

namespace oomgate {
namespace {

struct Part {
  std::string shard;  // "2/4"
  double seconds = 0;
  std::vector<std::string> instances = {};
};

struct PlanVerbOptions {
  std::vector<std::string> patterns;
  Suite suite = Suite::kDefault;
  int shards = 1;
  std::vector<std::string> durations;
  bool github_matrix = false;
  std::string format = "human";
};

std::vector<Part> PartsOf(const PlanVerbOptions& options) {
  const std::vector<CaseInfo> cases = Select(
      LoadCatalogue(FindPrograms().cases), options.patterns, options.suite);
  int instances = 0;
  for (const CaseInfo& info : cases) {
    instances += static_cast<int>(info.instances.size());
  }
  // An empty shard would run nothing, which is no success.
  const ShardPlan plan = PlanShards(cases, std::min(options.shards, instances),
                                    ReadRuns(options.durations));
  std::vector<Part> parts;
  for (int index = 1; index <= plan.count; ++index) {
    Part part{.shard = ToText(ShardNumber{index, plan.count})};
    for (const ShardPlan::Share& share : plan.shares) {
      if (share.shard != index) continue;
      part.seconds += share.seconds;
      part.instances.push_back(ToText(share.name));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

// One line: the value of a matrix that a job makes out of an output.
std::string GithubMatrix(const std::vector<Part>& parts) {
  Json shards = Json::array();
  for (const Part& part : parts) shards.push_back(part.shard);
  return Json{{"shard", shards}}.dump() + "\n";
}

std::string PlanJson(const std::vector<Part>& parts, bool durations) {
  Json shards = Json::array();
  for (const Part& part : parts) {
    Json shard{{"shard", part.shard}, {"instances", part.instances}};
    if (durations) shard["seconds"] = part.seconds;
    shards.push_back(std::move(shard));
  }
  return Json{{"shards", shards}}.dump(2) + "\n";
}

std::string PlanText(const std::vector<Part>& parts, bool durations) {
  std::string text;
  for (const Part& part : parts) {
    text += fmt::format("shard {}: {} {}", part.shard, part.instances.size(),
                        part.instances.size() == 1 ? "instance" : "instances");
    if (durations) text += fmt::format(", about {:.0f} s", part.seconds);
    text += '\n';
    for (const std::string& name : part.instances) text += "  " + name + "\n";
  }
  return text;
}

}  // namespace

void AddPlanVerb(CLI::App& app, int& exit_code) {
  const auto o = std::make_shared<PlanVerbOptions>();
  CLI::App* verb =
      app.add_subcommand("plan", "which instances go into which shard");
  verb->add_option("patterns", o->patterns,
                   "ids, globs or instance names; default: all but meta/*");
  AddSuiteOption(*verb, o->suite);
  verb->add_option("--shards", o->shards,
                   "how many shards; fewer where there are fewer instances")
      ->required()
      ->check(CLI::Range(1, kMostShards));
  AddDurationsOption(*verb, o->durations);
  verb->add_flag("--github-matrix", o->github_matrix,
                 "one line of JSON for a job's matrix");
  AddFormatOption(*verb, o->format);
  verb->callback([o, &exit_code] {
    const std::vector<Part> parts = PartsOf(*o);
    const bool durations = !o->durations.empty();
    const std::string text = o->github_matrix      ? GithubMatrix(parts)
                             : o->format == "json" ? PlanJson(parts, durations)
                                                   : PlanText(parts, durations);
    std::fputs(text.c_str(), stdout);
    exit_code = kExitOk;
  });
}

}  // namespace oomgate
