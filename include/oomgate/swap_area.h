// SPDX-License-Identifier: Apache-2.0
// The swap area of a guest, for cases that switch it off.
#pragma once

#include <cerrno>
#include <cstdio>

#include "oomgate/trace.h"

namespace oomgate {

struct SwapArea {
  char path[128] = {};
};

// The only one that there is; stops the subject where there is none.
inline SwapArea FindSwapArea(Trace& trace) {
  SwapArea area;
  FILE* const file = std::fopen("/proc/swaps", "re");
  if (file == nullptr || std::fscanf(file, "%*[^\n] %127s", area.path) != 1) {
    trace.Stop("/proc/swaps", errno);
  }
  std::fclose(file);
  return area;
}

}  // namespace oomgate
