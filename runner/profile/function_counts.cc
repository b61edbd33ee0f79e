// SPDX-License-Identifier: Apache-2.0
// From what QEMU's plugin counted, by address, to counts by function.
#include "runner/profile/function_counts.h"

#include <sstream>
#include <string>

namespace oomgate {

bool CountFunctions(std::string_view counts, const Symbols& symbols,
                    Profile& profile) {
  std::istringstream lines{std::string(counts)};
  if (!std::getline(lines, profile.scope) ||
      (profile.scope != "deed" && profile.scope != "guest")) {
    return false;
  }
  std::uint64_t address = 0;
  std::uint64_t count = 0;
  while (lines >> std::hex >> address >> std::dec >> count) {
    profile.functions[address == 0 ? kUserSpace : symbols.NameOf(address)] +=
        count;
  }
  return lines.eof() && !profile.functions.empty();
}

}  // namespace oomgate
