// SPDX-License-Identifier: Apache-2.0
// What a finished run says to whoever started it.
#pragma once

#include "oomgate/model/run.h"
#include "runner/error.h"

namespace oomgate {

// The first that applies:
//   interrupted                          130
//   any fail or lost                     1   a finding, even beside `broken`
//   any broken                           70  nothing is known of it
//   any skip, under `require`            1
//   no instance was put into any place   4   all skipped by the plan, or none
//   pass, known, skip                    0
Exit ExitCodeOf(const Run& run, bool require);

}  // namespace oomgate
