// SPDX-License-Identifier: Apache-2.0
// A memory cgroup of this machine, made for each instance and removed again.
#pragma once

#include <string>

#include "runner/backend.h"

namespace oomgate {

class CgroupBackend : public Backend {
 public:
  explicit CgroupBackend(std::string cases_program);
  // Why there are no boxes here; "" where there are.
  static std::string MissingHere();
  // The same, and what is possible without them.
  std::string Missing() override;
  void Run(const OrderGroup& group, Sink& sink, const Cancel& cancel) override;

 private:
  std::string program_;
};

// Removes the boxes of runs that were killed; nothing where there are none, or
// where boxes cannot be made at all.
void RemoveLeftovers();

}  // namespace oomgate
