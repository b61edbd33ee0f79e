// SPDX-License-Identifier: Apache-2.0
// JUnit XML in the dialect that the schemas of Ant and of Jenkins both accept:
// a suite per shape and kernel; `known` counts as skipped.
#include <fmt/core.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "runner/record/findings_text.h"
#include "runner/report/formats.h"
#include "runner/report/human.h"
#include "runner/report/results.h"
#include "runner/report/utc.h"

namespace oomgate {
namespace {

void Set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

void AddProperty(pugi::xml_node properties, const char* name,
                 const std::string& value) {
  pugi::xml_node property = properties.append_child("property");
  Set(property, "name", name);
  Set(property, "value", value);
}

void AddProperties(pugi::xml_node suite, const ResultGroup& group,
                   const Run& run) {
  pugi::xml_node properties = suite.append_child("properties");
  AddProperty(properties, "oomgate", run.oomgate);
  AddProperty(properties, "command", run.command);
  AddProperty(properties, "shape", group.shape);
  AddProperty(properties, "kernel", group.kernel);
  const Start* start = StartOf(run, group.shape, group.kernel);
  if (start == nullptr) return;
  AddProperty(properties, "kernel version", start->version);
  AddProperty(properties, "accelerator", start->accelerator);
  AddProperty(properties, "cpu", start->cpu);
}

std::string OneLine(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

void AddOutcome(pugi::xml_node test, const char* element, const char* type,
                const Result& result) {
  pugi::xml_node outcome = test.append_child(element);
  Set(outcome, "message", OneLine(WhyNoPass(result)));
  Set(outcome, "type", type);
  const std::string text =
      result.place.empty() ? result.reason : FailureText(result, {}, kUncut);
  outcome.append_child(pugi::node_pcdata).set_value(text.c_str());
}

void AddTest(pugi::xml_node suite, const Result& result) {
  pugi::xml_node test = suite.append_child("testcase");
  Set(test, "name", NameOf(result));
  // The same over kernels, so that a CI system shows a history.
  Set(test, "classname",
      (result.shape.empty() ? "none" : result.shape) + "." + result.id);
  Set(test, "time", fmt::format("{:.3f}", result.seconds));
  switch (result.verdict) {
    case Verdict::kPass:
      break;
    case Verdict::kKnown:
    case Verdict::kSkip:
      Set(test.append_child("skipped"), "message",
          (result.verdict == Verdict::kKnown ? "known: " : "") +
              OneLine(WhyNoPass(result)));
      break;
    case Verdict::kFail:
    case Verdict::kLost:
      AddOutcome(test, "failure", ToText(result.verdict), result);
      break;
    case Verdict::kBroken:
      AddOutcome(test, "error", ToText(result.verdict), result);
      break;
  }
}

// What no element of a test has a place for.
std::string OutText(const ResultGroup& group) {
  std::string text;
  for (const Result* result : group.results) {
    for (const LeftOut& out : result->left_out) {
      text += fmt::format("{} left out: {}\n", NameOf(*result),
                          OneLine(ToText(out)));
    }
    for (const auto& [name, value] : result->metrics) {
      text += fmt::format("{} {} {}\n", NameOf(*result), name, value);
    }
  }
  return text;
}

void AddSuite(pugi::xml_node suites, int id, const ResultGroup& group,
              const Run& run) {
  int failures = 0;
  int errors = 0;
  int skipped = 0;
  double seconds = 0;
  for (const Result* result : group.results) {
    const Verdict verdict = result->verdict;
    failures += verdict == Verdict::kFail || verdict == Verdict::kLost ? 1 : 0;
    errors += verdict == Verdict::kBroken ? 1 : 0;
    skipped += verdict == Verdict::kSkip || verdict == Verdict::kKnown ? 1 : 0;
    seconds += result->seconds;
  }
  pugi::xml_node suite = suites.append_child("testsuite");
  Set(suite, "name", group.Name());
  Set(suite, "package", "oomgate");
  Set(suite, "id", std::to_string(id));
  Set(suite, "tests", std::to_string(group.results.size()));
  Set(suite, "failures", std::to_string(failures));
  Set(suite, "errors", std::to_string(errors));
  Set(suite, "skipped", std::to_string(skipped));
  Set(suite, "time", fmt::format("{:.3f}", seconds));
  // Neither schema has time zones.
  const bool timed = SecondsSince1970(run.started) != 0;
  Set(suite, "timestamp",
      timed ? run.started.substr(0, run.started.size() - 1)
            : "1970-01-01T00:00:00");
  Set(suite, "hostname", "localhost");  // the run does not name its machine
  AddProperties(suite, group, run);
  for (const Result* result : group.results) AddTest(suite, *result);
  suite.append_child("system-out")
      .append_child(pugi::node_pcdata)
      .set_value(OutText(group).c_str());
  suite.append_child("system-err");
}

}  // namespace

std::string ToJunit(const Reported& reported) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  Set(declaration, "version", "1.0");
  Set(declaration, "encoding", "UTF-8");
  pugi::xml_node suites = document.append_child("testsuites");
  int id = 0;
  for (const ResultGroup& group : GroupsOf(reported.run)) {
    AddSuite(suites, id++, group, reported.run);
  }
  std::ostringstream text;
  document.save(text, "  ");
  return text.str();
}

}  // namespace oomgate
