// SPDX-License-Identifier: Apache-2.0
// The launcher makes the boxes; this says whether it can, and where.
#include "runner/cgroup/cgroup_backend.h"

#include <unistd.h>

#include <utility>

#include "runner/cancel.h"
#include "runner/cgroup/delegation.h"
#include "runner/error.h"
#include "runner/host/judge_here.h"
#include "runner/launch/box.h"

namespace oomgate {
namespace {

constexpr const char* kWithout =
    "; possible without: --on=vm, and --on=host for cases that reach no "
    "further than their process";

}  // namespace

CgroupBackend::CgroupBackend(std::string cases_program)
    : program_(std::move(cases_program)) {}

std::string CgroupBackend::MissingHere() {
  const auto controller = FindBoxPlace();
  if (!controller) {
    return "no memory cgroup controller is mounted: mount one (mount -t "
           "cgroup2 none /sys/fs/cgroup), or boot without "
           "cgroup_disable=memory";
  }
  const std::string why = [&] {
    const HoldCtrlC held;  // a box is made, and removed again
    return CannotBox(*controller);
  }();
  if (why.empty()) return "";
  if (::geteuid() != 0) {
    return "making a memory cgroup below " + controller->mount +
           " needs root: run it with sudo";
  }
  return "no memory cgroup can be made below " + controller->mount + ": " + why;
}

std::string CgroupBackend::Missing() {
  const std::string why = MissingHere();
  return why.empty() ? "" : why + kWithout;
}

void CgroupBackend::Run(const OrderGroup& group, Sink& sink,
                        const Cancel& cancel) {
  const auto controller = FindBoxPlace();
  if (!controller) throw HarnessError(Missing());
  JudgeSetup setup;
  setup.program = program_;
  setup.cgroup = controller->version;
  setup.cgroup_parent = controller->mount;
  JudgeHere(std::move(setup), group, sink, cancel);
}

void RemoveLeftovers() {
  const auto place = FindBoxPlace();
  if (place && MayMakeGroups(place->mount)) RemoveLeftoverBoxes(*place);
}

}  // namespace oomgate
