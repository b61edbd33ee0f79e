// SPDX-License-Identifier: Apache-2.0
// What a report is made of: the results of one or several runs, and what is
// wrong with a run as a whole as one more result.
#pragma once

#include <string>
#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

struct Reported {
  // All runs as one, inert. A run in which nothing ran, or that did not come to
  // its end, adds a result "run" that is `broken`: no format shows it as green.
  Run run;
  std::string
      verdict;  // "pass", "fail", "broken", "interrupted", "nothing-ran"
};

Reported ToReport(const std::vector<Run>& runs);

}  // namespace oomgate
