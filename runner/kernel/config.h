// SPDX-License-Identifier: Apache-2.0
// A kernel's configuration, as far as it decides what a guest can do.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace oomgate {

// The options that matter, "CONFIG_NUMA" -> "y", "m", a value, or "" where it
// is off or unknown to that kernel. Empty for an empty text.
std::map<std::string, std::string> ReadConfig(std::string_view text);

// One option of a configuration text; "" where it is off or absent.
std::string ConfigValue(std::string_view text, std::string_view option);

// The configuration that CONFIG_IKCONFIG puts into an image, or "".
std::string EmbeddedConfig(std::string_view image);

}  // namespace oomgate
