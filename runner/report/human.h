// SPDX-License-Identifier: Apache-2.0
// A run as a person reads it: a line per instance as it finishes, what went
// wrong once more at the end, a summary.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "runner/report/evidence.h"
#include "runner/report/report.h"

namespace oomgate {

struct HumanStyle {
  bool colours = false;
  // A line that says what runs now, rewritten in place.
  bool progress = false;
  // Options of this run that a command which repeats one instance needs, as
  // typed: "--memory=96m".
  std::vector<std::string> options = {};
};

// "  PASS [   1.234s] vm-256m-1cpu pages/global_oom[stride=2m]".
std::string ResultLine(const Result& result, const HumanStyle& style);

// Its line, what was found, and the command that repeats it: a screen at most,
// unless there is room for more.
std::string FailureText(const Result& result, const HumanStyle& style,
                        const EvidenceLimits& limits = kScreen);

// "Summary [  12.3s] 9 instances: 7 pass, 1 skip, 1 fail".
std::string SummaryLine(const Run& run, double seconds,
                        const HumanStyle& style);

// `oomgate run …` with the place and kernel that the result has.
std::string RepeatCommand(const Result& result,
                          const std::vector<std::string>& options);

class HumanReport : public Report {
 public:
  // Results go to `out`, progress and notices to `err`.
  HumanReport(std::FILE* out, std::FILE* err, HumanStyle style);
  ~HumanReport() override;

  void Planned(int instances, int groups) override;
  void Started(const Start& start) override;
  void Began(const Shape& shape, const InstanceName& name) override;
  void Finished(const Result& result) override;
  void Noticed(const std::string& text) override;
  void Over(const Run& run, const std::string& run_json,
            double seconds) override;

 private:
  void Progress(const std::string& text);
  void ClearProgress();
  void Print(std::FILE* file, const std::string& text);

  std::FILE* out_;
  std::FILE* err_;
  const HumanStyle style_;
  int planned_ = 0;
  int finished_ = 0;
  bool progress_shown_ = false;
};

// Whether `file` is a terminal whose user wants colours (NO_COLOR, TERM=dumb).
bool WantsColours(std::FILE* file);

}  // namespace oomgate
