// SPDX-License-Identifier: Apache-2.0
// A memory cgroup of this machine, made for each instance and removed again.
#pragma once

#include <string>

#include "runner/backend.h"

namespace oomgate {

class CgroupBackend : public Backend {
 public:
  explicit CgroupBackend(std::string cases_program);
  static std::string MissingHere();
  std::string Missing() override { return MissingHere(); }
  void Run(const OrderGroup& group, Sink& sink, const Cancel& cancel) override;

 private:
  std::string program_;
};

// Removes the boxes of runs that were killed; nothing where there are none, or
// where boxes cannot be made at all.
void RemoveLeftovers();

}  // namespace oomgate
