// SPDX-License-Identifier: Apache-2.0
// Annotations for findings; whoever wants more opens the step's summary.
#include "runner/report/github.h"

#include <fmt/core.h>

#include "runner/record/findings_text.h"
#include "runner/record/record.h"
#include "runner/report/formats.h"
#include "runner/report/inert.h"
#include "runner/report/markdown.h"
#include "runner/report/results.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

constexpr std::size_t kMostAnnotations = 10;   // of a type, in one step
constexpr std::size_t kLongestMessage = 4096;  // of one

std::string Replaced(std::string text, char what, const char* by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;) {
    text.replace(at, 1, by);
    at += 3;
  }
  return text;
}

std::string Message(const std::string& text) {
  return Replaced(Replaced(Replaced(text, '%', "%25"), '\r', "%0D"), '\n',
                  "%0A");
}

std::string Property(const std::string& text) {
  return Replaced(Replaced(Message(text), ':', "%3A"), ',', "%2C");
}

std::string Command(const char* type, const std::string& title,
                    const std::string& message) {
  return fmt::format("::{} title={}::{}\n", type, Property(title),
                     Message(Shortened(message, kLongestMessage)));
}

// A line for each thing that was found.
std::string WhatWasFound(const Result& result) {
  std::string text;
  const auto add = [&](const std::string& line) {
    text += (text.empty() ? "" : "\n") + line;
  };
  if (FindingsSayWhy(result)) {
    for (const std::string& line : FindingsOf(result)) add(line);
  } else {
    add(result.reason.empty() ? "no reason given" : result.reason);
  }
  for (const LeftOut& out : result.left_out) add("left out: " + ToText(out));
  return text;
}

// Those beyond the most that GitHub shows become one that says so.
std::string Annotations(const char* type,
                        const std::vector<const Result*>& results) {
  std::string text;
  const std::size_t own = results.size() <= kMostAnnotations
                              ? results.size()
                              : kMostAnnotations - 1;
  for (std::size_t i = 0; i < own; ++i) {
    const Result& result = *results[i];
    std::string title =
        fmt::format("{}: {}", ToText(result.verdict), NameOf(result));
    if (!result.shape.empty()) title += " on " + result.shape;
    text += Command(type, title, WhatWasFound(result));
  }
  if (own < results.size()) {
    text += Command(type, fmt::format("{} more", results.size() - own),
                    "They are in the summary of this step.");
  }
  return text;
}

}  // namespace

GithubStep ToGithubStep(const Reported& reported, const GithubFiles& files) {
  std::vector<const Result*> findings;
  std::vector<const Result*> known;
  for (const Result& result : reported.run.results) {
    if (IsFinding(result)) findings.push_back(&result);
    if (result.verdict == Verdict::kKnown) known.push_back(&result);
  }
  GithubStep step;
  step.commands = Annotations("error", findings) +
                  Annotations("warning", known) +
                  fmt::format("oomgate: {}: {}\n", reported.verdict,
                              CountsText(reported.run));
  step.summary = MarkdownWithin(reported, files.summary_limit);
  step.outputs =
      fmt::format("verdict={}\nrun-json={}\nreport={}\n", reported.verdict,
                  Printable(files.run_json), Printable(files.report));
  return step;
}

std::string ShownInstead(const char* variable, const std::string& text) {
  return PrintableLines(text, std::string(variable) + " | ");
}

std::string ToGithub(const Reported& reported) {
  const GithubStep step = ToGithubStep(reported, {});
  return step.commands + ShownInstead("GITHUB_STEP_SUMMARY", step.summary) +
         ShownInstead("GITHUB_OUTPUT", step.outputs);
}

}  // namespace oomgate
