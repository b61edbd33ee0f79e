// SPDX-License-Identifier: Apache-2.0
// The few lines of a kernel log that help to understand a result.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "oomgate/model/result.h"

namespace oomgate {

// At most `most` lines of the result's log: from where the kernel complains, or
// else the last ones. None where the log is not what failed: it helps where an
// instance is lost or broken, where the kernel panicked or warned.
std::vector<std::string> KernelExcerpt(const Result& result, std::size_t most);

}  // namespace oomgate
