// SPDX-License-Identifier: Apache-2.0
// What a judge tells the launcher: the samples and the result, a line each.
#pragma once

#include "cases/kit/judge.h"

namespace oomgate {

// Does nothing where `fd` is negative.
void WriteRecords(const Case& definition, const Params& params,
                  const Judged& judgement, int fd);

}  // namespace oomgate
