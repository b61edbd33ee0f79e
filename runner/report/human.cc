// SPDX-License-Identifier: Apache-2.0
// Lines in the manner of cargo-nextest.
#include "runner/report/human.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "runner/record/findings_text.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

constexpr int kVerdicts = 6;

std::string Coloured(std::string_view text, const char* code,
                     const HumanStyle& style) {
  if (!style.colours) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

const char* ColourOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "1;32";
    case Verdict::kKnown:
      return "1;36";
    case Verdict::kSkip:
      return "1;33";
    case Verdict::kBroken:
      return "1;35";
    case Verdict::kFail:
    case Verdict::kLost:
      return "1;31";
  }
  return "0";
}

bool IsFinding(Verdict verdict) {
  return verdict == Verdict::kFail || verdict == Verdict::kLost ||
         verdict == Verdict::kBroken;
}

std::string PrintedName(const Result& result) {
  return Printable(ToText(InstanceName{result.id, result.params}));
}

// A pass that proves less than it looks like says so.
std::string LeftOutText(const Result& result) {
  const std::size_t count = result.left_out.size();
  if (count == 0) return "";
  return fmt::format(" ({} {} left out)", count, count == 1 ? "step" : "steps");
}

}  // namespace

std::string ResultLine(const Result& result, const HumanStyle& style) {
  std::string verdict = ToText(result.verdict);
  std::ranges::transform(verdict, verdict.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  std::string line = fmt::format(
      "{} [{:>8.3f}s] {} {}",
      Coloured(fmt::format("{:>6}", verdict), ColourOf(result.verdict), style),
      result.seconds, result.shape.empty() ? "-" : Printable(result.shape),
      PrintedName(result));
  // What is not told again at the end says here why.
  if (!IsFinding(result.verdict)) line += LeftOutText(result);
  const std::string why = WhyNoPass(result);
  if ((result.verdict == Verdict::kSkip || result.verdict == Verdict::kKnown) &&
      !why.empty()) {
    line += ": " + Printable(why);
  }
  return line + "\n";
}

std::string FailureText(const Result& result, const HumanStyle& style,
                        const EvidenceLimits& limits) {
  std::string text = ResultLine(result, style) + EvidenceText(result, limits);
  if (result.place.empty()) return text;  // there is nothing to repeat
  return text + fmt::format("    again: {}\n",
                            Printable(RepeatCommand(result, style.options)));
}

std::string SummaryLine(const Run& run, double seconds,
                        const HumanStyle& style) {
  std::array<int, kVerdicts> counts{};
  for (const Result& result : run.results) {
    ++counts[static_cast<std::size_t>(result.verdict)];
  }
  std::string text;
  for (int i = 0; i < kVerdicts; ++i) {
    const int count = counts[static_cast<std::size_t>(i)];
    const auto verdict = static_cast<Verdict>(i);
    // "0 pass" is worth saying, "0 lost" is not.
    if (count == 0 && verdict != Verdict::kPass) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ",
                        Coloured(fmt::format("{} {}", count, ToText(verdict)),
                                 ColourOf(verdict), style));
  }
  return fmt::format("{} [{:>8.3f}s] {} {}: {}{}\n",
                     run.interrupted ? "Interrupted" : "Summary", seconds,
                     run.results.size(),
                     run.results.size() == 1 ? "instance" : "instances", text,
                     run.interrupted ? "; the rest was not run" : "");
}

std::string RepeatCommand(const Result& result,
                          const std::vector<std::string>& options) {
  std::vector<std::string> words = {
      "oomgate", "run", ToText(InstanceName{result.id, result.params}),
      "--on=" + result.place};
  bool kernel = false;
  for (const std::string& option : options) {
    kernel = kernel || option.starts_with("--kernel=");
    words.push_back(option);
  }
  if (result.place == "vm" && !kernel && !result.kernel.empty()) {
    words.push_back("--kernel=" + result.kernel);
  }
  return ShellQuoted(words);
}

HumanReport::HumanReport(std::FILE* out, std::FILE* err, HumanStyle style)
    : out_(out), err_(err), style_(std::move(style)) {}

HumanReport::~HumanReport() { ClearProgress(); }

void HumanReport::Planned(int instances, int groups) {
  planned_ = instances;
  Progress(fmt::format("{} instances in {} groups", instances, groups));
}

void HumanReport::Started(const Start& start) {
  Progress(fmt::format("{} runs {}", start.shape, start.kernel));
}

void HumanReport::Began(const Shape& shape, const InstanceName& name) {
  Progress(fmt::format("{} {}", ToText(shape), ToText(name)));
}

void HumanReport::Finished(const Result& result) {
  ++finished_;
  Print(out_, ResultLine(result, style_));
}

void HumanReport::Noticed(const std::string& text) {
  Print(err_, "oomgate: " + Printable(text) + "\n");
}

void HumanReport::Over(const Run& run, const std::string& run_json,
                       double seconds) {
  std::string text;
  for (const Result& result : run.results) {
    if (IsFinding(result.verdict)) text += "\n" + FailureText(result, style_);
  }
  text += "\n" + SummaryLine(run, seconds, style_) + run_json + "\n";
  Print(out_, text);
}

void HumanReport::Progress(const std::string& text) {
  if (!style_.progress) return;
  // One line, or the next one could not be written over it.
  std::string line =
      Printable(fmt::format("[{}/{}] {}", finished_, planned_, text));
  if (line.size() > 78) line = Printable(line.substr(0, 75)) + "...";
  std::fputs(("\r\x1b[K" + line).c_str(), err_);
  std::fflush(err_);
  progress_shown_ = true;
}

void HumanReport::ClearProgress() {
  if (!progress_shown_) return;
  std::fputs("\r\x1b[K", err_);
  std::fflush(err_);
  progress_shown_ = false;
}

void HumanReport::Print(std::FILE* file, const std::string& text) {
  ClearProgress();
  std::fputs(text.c_str(), file);
  std::fflush(file);
}

bool WantsColours(std::FILE* file) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return ::isatty(::fileno(file)) == 1 &&
         (no_color == nullptr || *no_color == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

}  // namespace oomgate
