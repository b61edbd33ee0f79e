// SPDX-License-Identifier: Apache-2.0
// A judge after the other, without a box.
#include "runner/host/host_backend.h"

#include <utility>

#include "runner/host/judge_here.h"

namespace oomgate {

HostBackend::HostBackend(std::string cases_program)
    : program_(std::move(cases_program)) {}

std::string HostBackend::Missing() { return ""; }

void HostBackend::Run(const OrderGroup& group, Sink& sink,
                      const Cancel& cancel) {
  JudgeSetup setup;
  setup.program = program_;
  JudgeHere(std::move(setup), group, sink, cancel);
}

}  // namespace oomgate
