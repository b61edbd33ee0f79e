// SPDX-License-Identifier: Apache-2.0
// Where a changed cost went: the functions whose counts differ between two
// profiles of one instance, as values and as a table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oomgate/model/profile.h"

namespace oomgate {

struct FunctionChange {
  std::string function;
  std::uint64_t before = 0;
  std::uint64_t now = 0;
  std::int64_t change() const {
    return static_cast<std::int64_t>(now - before);
  }
};

// The largest change first, whatever its sign; by name where they are equal.
std::vector<FunctionChange> Changes(const Profile& before, const Profile& now);

// For people: "function, before, now, change", the first `top` of them.
std::string ChangeTable(const Profile& before, const Profile& now,
                        std::size_t top);

}  // namespace oomgate
