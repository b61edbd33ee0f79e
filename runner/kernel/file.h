// SPDX-License-Identifier: Apache-2.0
// Whole files in and out, and the digest that names their bytes. Errors name
// the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace oomgate {

// Throws UserError where it cannot be read.
std::string LoadBytes(const std::filesystem::path& path);

// Throws UserError where it cannot be written.
void SaveBytes(const std::filesystem::path& path, std::string_view bytes);

// 32 hexadecimal digits (XXH3, 128 bits): tells files apart, guards nothing.
std::string Digest(std::string_view bytes);

// A new, empty folder `parent`/`prefix`XXXXXX, gone with this object unless it
// was moved away. Throws UserError where it cannot be made.
class TemporaryFolder {
 public:
  TemporaryFolder(const std::filesystem::path& parent,
                  const std::string& prefix);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace oomgate
