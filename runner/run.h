// SPDX-License-Identifier: Apache-2.0
// Carries a plan out: groups to places, what they say to the recorder.
#pragma once

#include <functional>

#include "runner/backend.h"
#include "runner/cancel.h"
#include "runner/plan.h"
#include "runner/record/recorder.h"

namespace oomgate {

// Which backend runs a place; the plan has only places that have one.
using BackendOf = std::function<Backend&(Place)>;

// Runs all groups: host and cgroup alone, one after the other, then guests,
// `jobs` at a time. A group whose backend throws gives `broken` results and
// stops no other. Returns when all is done or cancelled; throws UserError
// after that where a backend did (what ran is recorded).
void RunPlan(const Plan& plan, const BackendOf& backend_of, int jobs,
             Recorder& recorder, const Cancel& cancel);

// How many of `wanted` guests at a time fit into the available memory.
int JobsThatFit(const Plan& plan, int wanted, Bytes available);

}  // namespace oomgate
