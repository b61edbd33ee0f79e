// SPDX-License-Identifier: Apache-2.0
// The order of kernel releases, and what a user means by the start of one.
#pragma once

#include <string>

namespace oomgate {

// Numbers by value: 6.9 < 6.12.90+deb13 < 6.12.117+deb13; 7.0-rc3 < 7.0.
bool IsOlder(const std::string& release, const std::string& other);

// "6.1" starts 6.1.0-56-cloud-amd64, not 6.12.117.
bool StartsRelease(const std::string& prefix, const std::string& release);

// "6.12.117+deb13-cloud-amd64" -> "6.12".
std::string SeriesOf(const std::string& release);

}  // namespace oomgate
