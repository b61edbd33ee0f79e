// SPDX-License-Identifier: Apache-2.0
// LAVA's signals for the log of a test job, with what was found as comments.
// Values end at a blank or '>', hold no '=', and an id must not come twice.
#include <fmt/core.h>

#include <set>

#include "runner/record/findings_text.h"
#include "runner/report/formats.h"
#include "runner/report/log_line.h"
#include "runner/report/results.h"

namespace oomgate {
namespace {

const char* ResultOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
    case Verdict::kKnown:
      return "pass";
    case Verdict::kSkip:
      return "skip";
    case Verdict::kFail:
    case Verdict::kLost:
    case Verdict::kBroken:
      return "fail";
  }
  return "unknown";
}

std::string Units(const Metric& metric) {
  return metric.unit.empty() ? "" : " UNITS=" + Dotted(metric.unit);
}

std::string Comment(const std::string& id, const std::string& what) {
  return fmt::format("# {}: {}\n", id, LogLine(what));
}

// A signal has room for an outcome only.
std::string Comments(const Result& result, const std::string& id) {
  std::string text;
  if (FindingsSayWhy(result)) {
    for (const std::string& line : FindingsOf(result)) {
      text += Comment(id, line);
    }
  } else if (result.verdict != Verdict::kPass) {
    text += Comment(id, result.reason);
  }
  for (const LeftOut& out : result.left_out) {
    text += Comment(id, "left out: " + ToText(out));
  }
  return text;
}

}  // namespace

std::string ToLava(const Reported& reported) {
  std::string text;
  std::set<std::string> used;
  for (const ResultGroup& group : GroupsOf(reported.run)) {
    // A name of a set is one word, too; the shape in the id keeps it unique.
    text +=
        fmt::format("<LAVA_SIGNAL_TESTSET START {}>\n", Dotted(group.Name()));
    const std::string shape =
        group.shape.empty() ? "" : Dotted(group.shape) + ".";
    for (const Result* result : group.results) {
      const std::string id = Once(used, shape + Dotted(NameOf(*result)), ".");
      const char* outcome = ResultOf(result->verdict);
      text += Comments(*result, id);
      text += fmt::format("<LAVA_SIGNAL_TESTCASE TEST_CASE_ID={} RESULT={}>\n",
                          id, outcome);
      for (const auto& [name, value] : result->metrics) {
        text += fmt::format(
            "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID={} RESULT={} "
            "MEASUREMENT={}{}>\n",
            Once(used, id + "." + Dotted(name), "."), outcome, value,
            Units(MetricOf(reported.run, *result, name)));
      }
    }
    text += "<LAVA_SIGNAL_TESTSET STOP>\n";
  }
  return text;
}

}  // namespace oomgate
