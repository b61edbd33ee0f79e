// SPDX-License-Identifier: Apache-2.0
// oomgate report: run.json in the formats that others read.
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runner/cli.h"
#include "runner/error.h"
#include "runner/report/formats.h"
#include "runner/report/github.h"
#include "runner/report/read_run.h"

namespace oomgate {
namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string to;
  std::string output;
};

void Write(const std::string& file, const std::string& text,
           std::ios::openmode how) {
  std::ofstream out(file, how | std::ios::binary);
  out << text;
  out.close();
  if (!out) {
    throw UserError(
        fmt::format("cannot write {}: {}", file, std::strerror(errno)));
  }
}

// Appends to the file that `variable` names; false where it names none.
bool AppendTo(const char* variable, const std::string& text) {
  const char* file = std::getenv(variable);
  if (file == nullptr || *file == '\0') return false;
  Write(file, text, std::ios::app);
  return true;
}

std::size_t SizeOf(const char* variable) {
  const char* file = std::getenv(variable);
  if (file == nullptr) return 0;
  std::error_code missing;
  const auto size = std::filesystem::file_size(file, missing);
  return missing ? 0 : size;
}

// As GitHub has it: commands on stdout, two files to append to, and --output
// for the whole page, however large.
void ReportToGithub(const Reported& reported, const ReportOptions& options) {
  GithubFiles files;
  for (const std::string& run : options.runs) {
    files.run_json +=
        (files.run_json.empty() ? "" : " ") + RunJsonAt(run).string();
  }
  files.report = options.output;
  files.summary_limit -=
      std::min(files.summary_limit, SizeOf("GITHUB_STEP_SUMMARY"));
  const GithubStep step = ToGithubStep(reported, files);
  if (!options.output.empty()) {
    Write(options.output, ToMarkdown(reported), std::ios::trunc);
  }
  std::string text = step.commands;
  for (const auto& [variable, file] :
       {std::pair("GITHUB_STEP_SUMMARY", step.summary),
        std::pair("GITHUB_OUTPUT", step.outputs)}) {
    if (!AppendTo(variable, file)) text += ShownInstead(variable, file);
  }
  std::fputs(text.c_str(), stdout);
}

void ReportTo(const Format& format, const ReportOptions& options) {
  const Reported reported = ToReport(ReadRuns(options.runs));
  if (format.text == ToGithub) {
    ReportToGithub(reported, options);
  } else if (options.output.empty()) {
    std::fputs(format.text(reported).c_str(), stdout);
  } else {
    Write(options.output, format.text(reported), std::ios::trunc);
  }
}

}  // namespace

void AddReportVerb(CLI::App& app, int& exit_code) {
  const auto o = std::make_shared<ReportOptions>();
  CLI::App* verb =
      app.add_subcommand("report", "runs in the formats that others read");
  std::string formats = "Formats:";
  std::vector<std::string> names;
  for (const Format& format : Formats()) {
    formats += fmt::format("\n  {:<24}{}", format.name, format.use);
    names.push_back(format.name);
  }
  verb->footer(formats);
  verb->add_option("runs", o->runs, "run.json files, or folders of runs")
      ->required()
      ->option_text("RUN…");
  verb->add_option("--to", o->to, "the format")
      ->required()
      ->check(CLI::IsMember(names))
      ->option_text("FORMAT");
  verb->add_option("--output", o->output,
                   "write to this file; with github, the page for people")
      ->option_text("FILE");
  verb->callback([o, &exit_code] {
    for (const Format& format : Formats()) {
      if (format.name == o->to) ReportTo(format, *o);
    }
    exit_code = kExitOk;
  });
}

}  // namespace oomgate
