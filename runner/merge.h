// SPDX-License-Identifier: Apache-2.0
// One run out of all its shards, or why they are not that.
#pragma once

#include <string>
#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

struct NamedRun {
  std::string name;  // its file, for messages
  Run run;
};

struct Merged {
  Run run;  // all results, in the order of the plan
  // Shards that did not come to their end, and that another run made up for.
  std::vector<std::string> passed_over;
};

// Throws HarnessError that names every shard which is missing, did not come to
// its end, is there twice, or belongs to another run.
Merged Merge(const std::vector<NamedRun>& shards);

}  // namespace oomgate
