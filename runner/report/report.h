// SPDX-License-Identifier: Apache-2.0
// What somebody who waits for a run gets to see of it.
#pragma once

#include <string>

#include "oomgate/model/environment.h"
#include "oomgate/model/run.h"

namespace oomgate {

// Called by one thread at a time.
class Report {
 public:
  virtual ~Report() = default;
  virtual void Planned(int instances, int groups) = 0;
  virtual void Started(const Start& start) = 0;
  virtual void Began(const Shape& shape, const InstanceName& name) = 0;
  virtual void Finished(const Result& result) = 0;
  virtual void Noticed(const std::string& text) = 0;
  // The last call: everything, in the order of the plan.
  virtual void Over(const Run& run, const std::string& run_json,
                    double seconds) = 0;
};

}  // namespace oomgate
