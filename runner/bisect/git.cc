// SPDX-License-Identifier: Apache-2.0
// Asks git, by the references that `git bisect` keeps.
#include "runner/bisect/git.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "runner/process.h"

namespace oomgate {
namespace {

using Lines = std::vector<std::string>;

// Nothing where git is not there or refuses.
std::optional<Lines> Git(const Lines& arguments) {
  if (FindProgram("git").empty()) return std::nullopt;
  Command command{.argv = {"git"}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  const Finished finished = RunToEnd(command, std::chrono::minutes(2));
  if (!finished.ok()) return std::nullopt;
  Lines lines;
  std::istringstream text(finished.out);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::string FirstOf(const std::optional<Lines>& lines) {
  return lines && !lines->empty() ? lines->front() : "";
}

std::string SubjectOf(const std::string& commit) {
  return FirstOf(Git({"log", "-1", "--format=%s", commit}));
}

// refs/bisect/<what>…: what they point at.
Lines Marked(const std::string& what) {
  return Git({"for-each-ref", "--format=%(objectname)", "refs/bisect/" + what})
      .value_or(Lines{});
}

// The user may call them otherwise (git bisect start --term-new=…).
std::string Term(bool bad) {
  const auto term =
      Git({"bisect", "terms", bad ? "--term-bad" : "--term-good"});
  const std::string text = FirstOf(term);
  return text.empty() ? (bad ? "bad" : "good") : text;
}

}  // namespace

GitBisect LookAtGit() {
  GitBisect git;
  git.commit = FirstOf(Git({"rev-parse", "HEAD"}));
  if (git.commit.empty()) return git;
  git.subject = SubjectOf(git.commit);
  const Lines bad = Marked(Term(true));
  Lines good = Marked(Term(false) + "-*");
  if (bad.empty() || good.empty()) return git;
  for (const std::string& line : Git({"bisect", "log"}).value_or(Lines{})) {
    if (line.starts_with("git bisect ")) {
      git.answered.push_back(line.substr(line.rfind(' ') + 1));
    }
  }
  Lines question = {"rev-list", "--bisect-vars", bad.front(), "--not"};
  question.insert(question.end(), good.begin(), good.end());
  constexpr const char* kSteps = "bisect_steps=";
  for (const std::string& line : Git(question).value_or(Lines{})) {
    if (line.starts_with(kSteps)) git.steps_after = std::stoi(line.substr(13));
  }
  return git;
}

std::optional<GitCulprit> CulpritAfter(BisectAnswer answer) {
  const std::string head = FirstOf(Git({"rev-parse", "HEAD"}));
  Lines bad = Marked(Term(true));
  Lines good = Marked(Term(false) + "-*");
  if (bad.empty() || good.empty()) return std::nullopt;
  const Lines marked = Marked("skip-*");
  std::set<std::string> skipped(marked.begin(), marked.end());
  if (answer == BisectAnswer::kBad) bad = {head};
  if (answer == BisectAnswer::kGood) good.push_back(head);
  if (answer == BisectAnswer::kSkip) skipped.insert(head);
  Lines question = {"rev-list", bad.front(), "--not"};
  question.insert(question.end(), good.begin(), good.end());
  const auto candidates = Git(question);
  if (!candidates) return std::nullopt;
  GitCulprit culprit{.commit = bad.front(),
                     .subject = SubjectOf(bad.front()),
                     .parent = FirstOf(Git({"rev-parse", bad.front() + "^"})),
                     .skipped = {}};
  for (const std::string& commit : *candidates) {
    if (commit == culprit.commit) continue;
    if (!skipped.contains(commit)) return std::nullopt;
    culprit.skipped.push_back(commit);
  }
  return culprit;
}

}  // namespace oomgate
