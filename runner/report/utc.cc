// SPDX-License-Identifier: Apache-2.0
// Strict: what is not a time is none.
#include "runner/report/utc.h"

#include <ctime>

namespace oomgate {

std::int64_t SecondsSince1970(const std::string& utc) {
  std::tm time{};
  const char* end = ::strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time);
  return end != nullptr && *end == '\0' ? ::timegm(&time) : 0;
}

}  // namespace oomgate
