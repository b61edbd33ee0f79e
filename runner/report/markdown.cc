// SPDX-License-Identifier: Apache-2.0
// Everything that a run says stands in code spans and code blocks: there
// markdown and HTML are text.
#include "runner/report/markdown.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "runner/record/findings_text.h"
#include "runner/record/record.h"
#include "runner/report/formats.h"
#include "runner/report/human.h"
#include "runner/report/results.h"

namespace oomgate {
namespace {

constexpr std::size_t kShownReason = 2 << 10;

std::size_t LongestBackticks(const std::string& text) {
  std::size_t longest = 0;
  std::size_t now = 0;
  for (const char c : text) {
    now = c == '`' ? now + 1 : 0;
    longest = std::max(longest, now);
  }
  return longest;
}

// One line. A '|' would end a cell of a table, whatever stands before it.
std::string Code(const std::string& text) {
  if (text.find_first_not_of(' ') == std::string::npos) return "";
  std::string line;
  for (const char c : Shortened(text, kShownReason)) {
    if (c == '|') {
      line += "\\x7c";
    } else {
      line += c == '\n' ? ' ' : c;
    }
  }
  const std::string fence(LongestBackticks(line) + 1, '`');
  const char* blank = line.front() == '`' || line.back() == '`' ? " " : "";
  return fence + blank + line + blank + fence;
}

std::string CodeBlock(const std::string& text) {
  const std::string fence(std::max<std::size_t>(LongestBackticks(text) + 1, 3),
                          '`');
  return fence + "text\n" + text + (text.ends_with('\n') ? "" : "\n") + fence +
         "\n";
}

// Takes entries for as long as they fit.
class Page {
 public:
  explicit Page(std::size_t limit) : limit_(limit) {}
  bool Add(const std::string& entry) {
    const bool fits = text_.size() + entry.size() + kLastWords <= limit_;
    if (fits) text_ += entry;
    left_out_ += fits ? 0 : 1;
    return fits;
  }
  // Head and rows as one table; nothing where there are no rows. A `title` that
  // is not empty hides it behind that.
  void AddTable(const std::string& title, const std::string& head,
                const std::vector<std::string>& rows) {
    if (rows.empty()) return;
    const auto columns = std::ranges::count(head, '|') - 1;
    std::string text = head + "\n|";
    for (int i = 0; i < columns; ++i) text += " --- |";
    text += "\n";
    if (!title.empty()) {
      text = "<details><summary>" + title + "</summary>\n\n" + text;
    }
    if (!Add(text)) return;
    for (const std::string& row : rows) Add(row);
    text_ += title.empty() ? "\n" : "\n</details>\n\n";
  }
  std::string Text() const {
    if (left_out_ == 0) return text_;
    return text_ +
           fmt::format("\n\n{} more entries are in run.json.\n", left_out_);
  }

 private:
  // What is added at the end all the same.
  static constexpr std::size_t kLastWords = 128;
  std::size_t limit_;
  std::string text_;
  int left_out_ = 0;
};

std::string PlaceOf(const Result& result) {
  return Code(ResultGroup{result.shape, result.kernel, {}}.Name());
}

void AddPlaces(Page& page, const Run& run) {
  std::vector<std::string> rows;
  for (const ResultGroup& group : GroupsOf(run)) {
    const Start* start = StartOf(run, group.shape, group.kernel);
    Run part;
    for (const Result* result : group.results) part.results.push_back(*result);
    rows.push_back(fmt::format("| {} | {} | {} |\n", Code(group.Name()),
                               start == nullptr ? "" : Code(start->accelerator),
                               CountsText(part)));
  }
  page.AddTable("", "| place | accelerator | results |", rows);
}

void AddFindings(Page& page, const Run& run) {
  for (const Result& result : run.results) {
    if (!IsFinding(result)) continue;
    std::string entry = fmt::format(
        "### {}: {}{}\n\n{}\n", ToText(result.verdict), Code(NameOf(result)),
        result.place.empty() ? "" : " on " + PlaceOf(result),
        CodeBlock(FindingsSayWhy(result)
                      ? EvidenceText(result, kScreen)
                      : Shortened(result.reason, kShownReason)));
    if (!result.place.empty()) {
      entry += "<details><summary>evidence</summary>\n\n" +
               CodeBlock(FailureText(result, {}, kUncut)) + "\n</details>\n\n";
    }
    page.Add(entry);
  }
}

void AddOthers(Page& page, const Run& run) {
  std::vector<std::string> rows;
  for (const Result& result : run.results) {
    if (result.verdict != Verdict::kSkip && result.verdict != Verdict::kKnown) {
      continue;
    }
    rows.push_back(fmt::format("| {} | {} | {} | {} |\n",
                               ToText(result.verdict), Code(NameOf(result)),
                               PlaceOf(result), Code(WhyNoPass(result))));
  }
  page.AddTable("known and skipped", "| verdict | instance | place | reason |",
                rows);
}

// What passed says less without them.
void AddLeftOut(Page& page, const Run& run) {
  std::vector<std::string> rows;
  for (const Result& result : run.results) {
    for (const LeftOut& out : result.left_out) {
      rows.push_back(fmt::format("| {} | {} | {} | {} |\n",
                                 Code(NameOf(result)), PlaceOf(result),
                                 Code(out.step), Code(out.reason)));
    }
  }
  page.AddTable("steps left out", "| instance | place | step | reason |", rows);
}

void AddAll(Page& page, const Run& run) {
  std::vector<std::string> rows;
  for (const Result& result : run.results) {
    std::string metrics;
    for (const auto& [name, value] : result.metrics) {
      metrics +=
          fmt::format("{}{} {}", metrics.empty() ? "" : ", ", name, value);
    }
    rows.push_back(fmt::format("| {} | {} | {} | {:.3f} | {} |\n",
                               ToText(result.verdict), Code(NameOf(result)),
                               PlaceOf(result), result.seconds, Code(metrics)));
  }
  page.AddTable("all results",
                "| verdict | instance | place | seconds | metrics |", rows);
}

}  // namespace

std::string MarkdownWithin(const Reported& reported, std::size_t limit) {
  const Run& run = reported.run;
  Page page(limit);
  page.Add(fmt::format("## oomgate: {}\n\n{}. Started {} by {}\n\n",
                       reported.verdict, CountsText(run), Code(run.started),
                       Code(run.command)));
  AddPlaces(page, run);
  AddFindings(page, run);
  AddOthers(page, run);
  AddLeftOut(page, run);
  AddAll(page, run);
  return page.Text();
}

std::string ToMarkdown(const Reported& reported) {
  return MarkdownWithin(reported, std::numeric_limits<std::size_t>::max() / 2);
}

}  // namespace oomgate
