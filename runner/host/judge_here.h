// SPDX-License-Identifier: Apache-2.0
// Runs a group's judges on this machine, one after the other.
#pragma once

#include "runner/backend.h"
#include "runner/launch/judge.h"

namespace oomgate {

// A result for each order of the group, unless cancelled.
void JudgeHere(JudgeSetup setup, const OrderGroup& group, Sink& sink,
               const Cancel& cancel);

}  // namespace oomgate
