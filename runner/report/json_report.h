// SPDX-License-Identifier: Apache-2.0
// A run as a program reads it: run.json's content, at the end, on stdout.
#pragma once

#include <cstdio>

#include "runner/report/human.h"

namespace oomgate {

class JsonReport : public Report {
 public:
  // Notices and progress go to `err` as they do for a person.
  JsonReport(std::FILE* out, std::FILE* err, HumanStyle style);

  void Planned(int instances, int groups) override;
  void Started(const Start& start) override;
  void Began(const Shape& shape, const InstanceName& name) override;
  void Finished(const Result& result) override;
  void Noticed(const std::string& text) override;
  void Over(const Run& run, const std::string& run_json,
            double seconds) override;

 private:
  std::FILE* out_;
  HumanReport progress_;
};

}  // namespace oomgate
