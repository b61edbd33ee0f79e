// SPDX-License-Identifier: Apache-2.0
// stdout is one JSON document and nothing else; all for people is on stderr.
#include "runner/report/json_report.h"

#include <utility>

#include "runner/record/run_folder.h"

namespace oomgate {

JsonReport::JsonReport(std::FILE* out, std::FILE* err, HumanStyle style)
    : out_(out), progress_(err, err, std::move(style)) {}

void JsonReport::Planned(int instances, int groups) {
  progress_.Planned(instances, groups);
}
void JsonReport::Started(const Start& start) { progress_.Started(start); }
void JsonReport::Began(const Shape& shape, const InstanceName& name) {
  progress_.Began(shape, name);
}
void JsonReport::Finished(const Result& result) { progress_.Finished(result); }
void JsonReport::Noticed(const std::string& text) { progress_.Noticed(text); }

void JsonReport::Over(const Run& run, const std::string& run_json,
                      double seconds) {
  progress_.Over(run, run_json, seconds);
  std::fputs(ToJsonText(run).c_str(), out_);
  std::fflush(out_);
}

}  // namespace oomgate
