// SPDX-License-Identifier: Apache-2.0
// Kernel interface files, read and written whole by raw system calls.
#pragma once

#include <string>
#include <string_view>

namespace oomgate {

// Up to `most` bytes, without the trailing newline; "" where it cannot be read.
std::string ReadFile(const std::string& path, std::size_t most = 64 << 10);

// One write(2) of all of `value`; false (with errno) where it is refused.
bool WriteFile(const std::string& path, std::string_view value);

// The number after `key` in "key: 123 kB" or "key 123" lines; -1 without it.
long long FieldOf(std::string_view text, std::string_view key);

}  // namespace oomgate
