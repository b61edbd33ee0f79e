// SPDX-License-Identifier: Apache-2.0
// Which expectations did not hold, and the verdict and the sentence that follow
// from that. Pure.
#pragma once

#include <string>
#include <vector>

#include "oomgate/case.h"

namespace oomgate {

// The checks that do not hold: those of the steps that ran, those of the case
// as a whole, and how the subject ended where none of them expects that.
// `reached` is the step in which it ended; -1 before the first, the number of
// steps after the last.
std::vector<FailedCheck> WhatFailed(const std::vector<Step>& steps,
                                    const Oracle& whole, int reached,
                                    const Outcome& outcome);

// The known bugs that explain all of these; none where one is not explained.
std::vector<Known> KnownBugs(const Case& definition,
                             const std::vector<Step>& steps,
                             const std::vector<FailedCheck>& failed,
                             const KernelVersion& kernel);

// "lock twice: grown is 8 MiB, expected 4 MiB (and 2 more); left behind: Shmem
// +4096 kB".
std::string ReasonOf(const std::vector<FailedCheck>& checks,
                     const std::vector<Finding>& also);

}  // namespace oomgate
