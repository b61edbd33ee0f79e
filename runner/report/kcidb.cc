// SPDX-License-Identifier: Apache-2.0
// A submission to KCIDB, schema 4.0, which its later versions read too. The
// kernel is all that a run knows of a build, so a build is a kernel here.
#include <fmt/core.h>

#include <set>

#include "oomgate/model/json.h"
#include "runner/kernel/file.h"
#include "runner/record/findings_text.h"
#include "runner/record/record.h"
#include "runner/record/run_folder.h"
#include "runner/report/formats.h"
#include "runner/report/inert.h"
#include "runner/report/results.h"
#include "runner/report/utc.h"

namespace oomgate {
namespace {

constexpr const char* kOrigin = "oomgate";
constexpr std::size_t kLongestExcerpt = 16384;  // the schema's

std::string Id(const std::string& name) {
  return fmt::format("{}:{}", kOrigin, name);
}

std::string BuildOf(const std::string& kernel) {
  return Id(kernel.empty() ? "unknown" : kernel);
}

const char* StatusOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "PASS";
    case Verdict::kSkip:
      return "SKIP";
    case Verdict::kBroken:
      return "ERROR";
    case Verdict::kKnown:  // waived
    case Verdict::kFail:
    case Verdict::kLost:
      return "FAIL";
  }
  return "ERROR";
}

Json TestOf(const Result& result, const Run& run, const std::string& id) {
  Json misc = {{"verdict", result.verdict},
               {"params", result.params},
               {"end", result.end},
               {"metrics", Numbers(result.metrics)}};
  AddFindings(misc, result);
  if (result.oom) misc["oom"] = *result.oom;
  Json test = {{"id", id},
               {"origin", kOrigin},
               {"build_id", BuildOf(result.kernel)},
               {"path", "oomgate." + Dotted(NameOf(result))},
               {"status", StatusOf(result.verdict)},
               {"waived", result.verdict == Verdict::kKnown},
               {"duration", result.seconds},
               {"environment", {{"comment", result.shape}}},
               {"misc", misc}};
  if (SecondsSince1970(run.started) != 0) test["start_time"] = run.started;
  const std::string why = WhyNoPass(result);
  if (!why.empty()) test["comment"] = why;
  if (!result.console.empty()) {
    // A little less: a line says what was left out.
    test["log_excerpt"] = Shortened(result.console, kLongestExcerpt - 100);
  }
  if (const Start* start = StartOf(run, result.shape, result.kernel)) {
    test["environment"]["misc"] = *start;
  }
  return test;
}

}  // namespace

std::string ToKcidb(const Reported& reported) {
  const Run& run = reported.run;
  // Sent again, the same run has the same ids; no other run has.
  const std::string digest = Digest(ToJsonText(run));
  Json builds = Json::array();
  Json tests = Json::array();
  std::set<std::string> kernels;
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const Result& result = run.results[i];
    tests.push_back(TestOf(result, run, Id(fmt::format("{}:{}", digest, i))));
    if (!kernels.insert(result.kernel).second) continue;
    const std::string build = BuildOf(result.kernel);
    builds.push_back({{"id", build},
                      {"origin", kOrigin},
                      {"checkout_id", build},
                      {"valid", true}});
  }
  Json checkouts = Json::array();
  for (const Json& build : builds) {
    checkouts.push_back(
        {{"id", build["id"]}, {"origin", kOrigin}, {"valid", true}});
  }
  return InertJson({{"version", {{"major", 4}, {"minor", 0}}},
                    {"checkouts", checkouts},
                    {"builds", builds},
                    {"tests", tests}});
}

}  // namespace oomgate
