// SPDX-License-Identifier: Apache-2.0
// Several runs of the same as one sample. Who shares a core slows a process
// down, by tens of percent and for seconds, and never speeds it up: the best
// time of some runs is nearer to what a deed costs than any one of them.
#pragma once

#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

// Whether its cases have times that whoever shares the machine has a part in:
// none by the instruction clock, and an emulated CPU's say little anyway.
bool HasNoisyTimes(const Run& run);

// The first of them, with the best that any has of each time; what failed in
// one of them has failed. At least one.
Run BestOf(std::vector<Run> runs);

}  // namespace oomgate
