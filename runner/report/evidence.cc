// SPDX-License-Identifier: Apache-2.0
// Lays rows out in columns. All that run.json has and a screen has not is
// counted, never dropped in silence.
#include "runner/report/evidence.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <vector>

#include "runner/record/findings_text.h"
#include "runner/report/kernel_excerpt.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

constexpr std::string_view kIndent = "    ";
constexpr std::size_t kGap = 3;
constexpr std::size_t kColumns = 4;
constexpr std::size_t kNarrowest = 8;  // that a column is cut to

// A title, then either cells of the columns after it, or a text across them.
struct Row {
  std::string title;
  std::vector<std::string> cells;
  std::string text = {};
};

// Of printable text: characters, not bytes.
std::size_t WidthOf(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

std::string Cut(const std::string& text, std::size_t width) {
  if (WidthOf(text) <= width) return text;
  constexpr std::string_view kMore = "...";
  std::size_t end = 0;
  for (std::size_t shown = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80;
    if (begins && ++shown + kMore.size() > width) break;
  }
  return text.substr(0, end) + std::string(kMore);
}

std::string Padded(const std::string& text, std::size_t width) {
  const std::size_t now = WidthOf(text);
  return now < width ? text + std::string(width - now, ' ') : text;
}

using Widths = std::array<std::size_t, kColumns>;

// As wide as their cells; where a line would not fit, the widest give way.
Widths WidthsOf(const std::vector<Row>& rows, std::size_t columns) {
  Widths widths{};
  for (const Row& row : rows) {
    widths[0] = std::max(widths[0], WidthOf(row.title));
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      widths[i + 1] = std::max(widths[i + 1], WidthOf(row.cells[i]));
    }
  }
  const auto total = [&] {
    std::size_t sum = kIndent.size() + kGap * (kColumns - 1);
    for (const std::size_t width : widths) sum += width;
    return sum;
  };
  while (total() > columns) {
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= kNarrowest) break;
    --*widest;
  }
  return widths;
}

class Block {
 public:
  explicit Block(const EvidenceLimits& limits) : limits_(limits) {}

  void AddChecks(const std::vector<FailedCheck>& checks) {
    AddSome(checks, limits_.checks, "checks", [&](const FailedCheck& check) {
      rows_.push_back(
          {check.step.empty() ? "whole case" : check.step,
           {check.value, check.seen, "expected " + check.expected}});
    });
  }
  void AddFindings(const std::vector<Finding>& findings) {
    AddSome(findings, limits_.findings, "findings",
            [&](const Finding& finding) {
              if (finding.what == kLeftBehind && AddLeak(finding)) return;
              rows_.push_back({finding.what, {}, finding.text});
            });
  }
  void AddLeftOut(const std::vector<LeftOut>& steps) {
    AddSome(steps, limits_.left_out, "steps left out", [&](const LeftOut& out) {
      rows_.push_back(
          {"left out",
           {},
           out.step + (out.reason.empty() ? "" : ": ") + out.reason});
    });
  }
  void Add(const std::string& title, const std::string& text) {
    rows_.push_back({title, {}, text});
  }

  std::string Text() {
    for (Row& row : rows_) {
      row.title = Printable(row.title);
      row.text = Printable(row.text);
      for (std::string& cell : row.cells) cell = Printable(cell);
    }
    const Widths widths = WidthsOf(rows_, limits_.columns);
    std::string text;
    for (const Row& row : rows_) text += Line(row, widths) + "\n";
    return text;
  }

 private:
  template <typename Item, typename Each>
  void AddSome(const std::vector<Item>& items, std::size_t limit,
               const char* what, Each each) {
    const std::size_t shown = items.size() <= limit ? items.size() : limit - 1;
    for (std::size_t i = 0; i < shown; ++i) each(items[i]);
    if (shown == items.size()) return;
    rows_.push_back({"",
                     {},
                     fmt::format("and {} more {}: run.json has them all",
                                 items.size() - shown, what)});
  }

  // "Shmem +4096 kB" in two columns, as what was seen of a value. Nothing but
  // where it stands depends on that.
  bool AddLeak(const Finding& finding) {
    const std::string& text = finding.text;
    const std::size_t blank = std::min(text.find(" +"), text.find(" -"));
    if (blank == std::string::npos || blank == 0 ||
        text.find_first_of(",;\n") != std::string::npos) {
      return false;
    }
    rows_.push_back(
        {finding.what, {text.substr(0, blank), text.substr(blank + 1)}});
    return true;
  }

  std::string Line(const Row& row, const Widths& widths) const {
    const auto fit = [&](const std::string& text, std::size_t width) {
      return limits_.whole ? text : Cut(text, width);
    };
    // A row without title says something of those above it.
    if (row.title.empty() && row.cells.empty()) {
      return std::string(kIndent) +
             fit(row.text, limits_.columns - kIndent.size());
    }
    std::string line = std::string(kIndent) + fit(row.title, widths[0]);
    std::size_t at = kIndent.size() + widths[0];
    const std::string gap(kGap, ' ');
    if (row.cells.empty()) {
      const std::size_t used = at + kGap;
      const std::size_t room =
          limits_.columns > used ? limits_.columns - used : 0;
      return Padded(line, at) + gap + fit(row.text, std::max(room, kNarrowest));
    }
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      line = Padded(line, at) + gap + fit(row.cells[i], widths[i + 1]);
      at += kGap + widths[i + 1];
    }
    return line;
  }

  const EvidenceLimits limits_;
  std::vector<Row> rows_;
};

std::string KillText(const OomReport& oom) {
  std::string text = oom.constraint.empty() ? "no constraint" : oom.constraint;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format(", {} {}", name, value);
  };
  add("victim", oom.victim);
  if (oom.anon_rss_kb >= 0) add("anon", fmt::format("{} kB", oom.anon_rss_kb));
  if (oom.pgtables_kb >= 0) {
    add("page tables", fmt::format("{} kB", oom.pgtables_kb));
  }
  add("cgroup", oom.oom_memcg);
  return text;
}

std::string ReasonText(const std::string& reason,
                       const EvidenceLimits& limits) {
  if (reason.empty()) return "";
  if (limits.whole) return PrintableLines(reason, kIndent);
  std::istringstream lines(Wrapped(reason, kIndent));
  std::string text;
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    // The last one says that there is more.
    if (++count > limits.reason) {
      text.insert(text.size() - 1, "...");
      break;
    }
    text += Cut(line, limits.columns - 3) + "\n";
  }
  return text;
}

bool KillerIsTold(const Result& result) {
  return std::ranges::any_of(result.also, [](const Finding& finding) {
    return finding.what == kOomKiller;
  });
}

}  // namespace

std::string EvidenceText(const Result& result, const EvidenceLimits& limits) {
  std::string text;
  if (!FindingsSayWhy(result)) text = ReasonText(result.reason, limits);
  Block block(limits);
  block.AddChecks(result.checks);
  block.AddFindings(result.also);
  if (result.oom && !KillerIsTold(result)) {
    block.Add("oom kill", KillText(*result.oom));
  }
  block.AddLeftOut(result.left_out);
  text += block.Text();
  const auto used = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  const std::size_t room =
      limits.lines > used + 1 ? limits.lines - used - 1 : 0;
  std::vector<std::string> log =
      KernelExcerpt(result, std::min(limits.log, room));
  if (log.empty()) return text;
  text += fmt::format("{}kernel log{}\n", kIndent,
                      limits.whole ? "" : " (more in run.json)");
  for (const std::string& line : log) {
    const std::string printable = Printable(line);
    text += fmt::format(
        "{}  {}\n", kIndent,
        limits.whole ? printable
                     : Cut(printable, limits.columns - kIndent.size() - 2));
  }
  return text;
}

}  // namespace oomgate
