// SPDX-License-Identifier: Apache-2.0
// Of runs that follow each other, one line each, for somebody who waits.
#pragma once

#include <cstdio>
#include <string>

#include "runner/report/report.h"

namespace oomgate {

class QuietReport : public Report {
 public:
  // `what` begins each run's line: "3 of 20".
  QuietReport(std::FILE* err, std::string what);

  void Planned(int instances, int groups) override;
  void Started(const Start& start) override;
  void Began(const Shape& shape, const InstanceName& name) override;
  void Finished(const Result& result) override;
  void Noticed(const std::string& text) override;
  void Over(const Run& run, const std::string& run_json,
            double seconds) override;

 private:
  std::FILE* err_;
  const std::string what_;
};

}  // namespace oomgate
