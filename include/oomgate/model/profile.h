// SPDX-License-Identifier: Apache-2.0
// Where the instructions of one instance went, by function of the kernel.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace oomgate {

// Rows that are no function's.
inline constexpr const char* kUserSpace = "[user space]";
inline constexpr const char* kNoSymbol = "[no symbol]";

struct Profile {
  std::string instance;  // "pages/zero_page[touch=write]"
  std::string shape;
  std::string kernel;  // its release
  // "deed": only while the measured deed went on; "guest": from the guest's
  // start, or its restoring, to its end.
  std::string scope;
  std::map<std::string, std::uint64_t> functions;
  bool operator==(const Profile&) const = default;

  std::uint64_t Sum() const {
    std::uint64_t sum = 0;
    for (const auto& [name, count] : functions) sum += count;
    return sum;
  }
};

}  // namespace oomgate
