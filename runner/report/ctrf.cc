// SPDX-License-Identifier: Apache-2.0
// The Common Test Report Format (ctrf.io), version 1.0.0. `known` is "other":
// neither passed nor failed.
#include <algorithm>
#include <cmath>
#include <map>

#include "oomgate/model/json.h"
#include "runner/record/findings_text.h"
#include "runner/report/formats.h"
#include "runner/report/inert.h"
#include "runner/report/results.h"
#include "runner/report/utc.h"

namespace oomgate {
namespace {

const char* StatusOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "passed";
    case Verdict::kKnown:
      return "other";
    case Verdict::kSkip:
      return "skipped";
    case Verdict::kFail:
    case Verdict::kLost:
    case Verdict::kBroken:
      return "failed";
  }
  return "other";
}

std::int64_t Milliseconds(double seconds) {
  return static_cast<std::int64_t>(std::llround(seconds * 1000));
}

Json TestOf(const Result& result, const std::string& group) {
  Json extra = {{"place", result.place},
                {"shape", result.shape},
                {"kernel", result.kernel},
                {"end", result.end},
                {"metrics", Numbers(result.metrics)}};
  AddFindings(extra, result);
  if (result.oom) extra["oom"] = *result.oom;
  Json test = {{"name", NameOf(result)},
               {"status", StatusOf(result.verdict)},
               {"rawStatus", ToText(result.verdict)},
               {"duration", Milliseconds(result.seconds)},
               {"suite", Json::array({group})},
               {"parameters", result.params},
               {"extra", extra}};
  const std::string why = WhyNoPass(result);
  if (!why.empty()) test["message"] = why;
  if (!result.console.empty()) test["trace"] = result.console;
  return test;
}

}  // namespace

std::string ToCtrf(const Reported& reported) {
  const Run& run = reported.run;
  Json tests = Json::array();
  std::map<std::string, int> counts;
  double seconds = 0;
  for (const ResultGroup& group : GroupsOf(run)) {
    for (const Result* result : group.results) {
      tests.push_back(TestOf(*result, group.Name()));
      ++counts[StatusOf(result->verdict)];
      seconds += result->seconds;
    }
  }
  const std::int64_t start = SecondsSince1970(run.started);
  Json summary = {
      {"tests", tests.size()},
      {"start", start * 1000},
      {"stop", std::max(start, SecondsSince1970(run.finished)) * 1000},
      {"duration", Milliseconds(seconds)},
      {"extra", {{"verdict", reported.verdict}}}};
  for (const char* status :
       {"passed", "failed", "skipped", "pending", "other"}) {
    summary[status] = counts[status];
  }
  const Json tool = {{"name", "oomgate"}, {"version", run.oomgate}};
  return InertJson({{"reportFormat", "CTRF"},
                    {"specVersion", "1.0.0"},
                    {"generatedBy", "oomgate"},
                    {"results",
                     {{"tool", tool},
                      {"summary", summary},
                      {"tests", tests},
                      {"extra", {{"command", run.command}}}}}});
}

}  // namespace oomgate
