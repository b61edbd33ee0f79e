// SPDX-License-Identifier: Apache-2.0
// This machine as it is: for cases that reach no further than their process.
#pragma once

#include <string>

#include "runner/backend.h"

namespace oomgate {

class HostBackend : public Backend {
 public:
  explicit HostBackend(std::string cases_program);
  std::string Missing() override;
  void Run(const OrderGroup& group, Sink& sink, const Cancel& cancel) override;

 private:
  std::string program_;
};

}  // namespace oomgate
