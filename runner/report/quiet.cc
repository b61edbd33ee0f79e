// SPDX-License-Identifier: Apache-2.0
// Says what did not pass, as it measured nothing; else how many did.
#include "runner/report/quiet.h"

#include <fmt/core.h>

#include <utility>

#include "runner/record/findings_text.h"
#include "runner/report/human.h"
#include "runner/report/text.h"

namespace oomgate {

QuietReport::QuietReport(std::FILE* err, std::string what)
    : err_(err), what_(std::move(what)) {}

void QuietReport::Planned(int, int) {}
void QuietReport::Started(const Start&) {}
void QuietReport::Began(const Shape&, const InstanceName&) {}

void QuietReport::Finished(const Result& result) {
  if (result.verdict == Verdict::kPass || result.verdict == Verdict::kSkip) {
    return;
  }
  fmt::print(err_, "{}: {} {}: {}\n", what_, ToText(result.verdict),
             Printable(ToText(InstanceName{result.id, result.params})),
             Printable(WhyNoPass(result)));
}

void QuietReport::Noticed(const std::string& text) {
  fmt::print(err_, "{}: {}\n", what_, Printable(text));
}

void QuietReport::Over(const Run& run, const std::string& run_json,
                       double seconds) {
  fmt::print(err_, "{}: {}  {}\n", what_, SummaryLine(run, seconds, {}),
             run_json);
}

}  // namespace oomgate
