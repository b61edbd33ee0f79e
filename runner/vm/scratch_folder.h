// SPDX-License-Identifier: Apache-2.0
// What a guest leaves on disk while it runs: disks, initramfs, mailbox, counts.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "runner/error.h"

namespace oomgate {

class ScratchFolder {
 public:
  // Throws UserError where there is one already, or it cannot be made.
  ScratchFolder(const std::filesystem::path& path, bool keep)
      : path_(path), keep_(keep) {
    std::error_code error;
    if (!std::filesystem::create_directory(path, error)) {
      throw UserError(path.string() + ": cannot make a folder for a guest" +
                      (error ? ": " + error.message() : ""));
    }
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!keep_) std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const char* file) const {
    return path_ / file;
  }

 private:
  const std::filesystem::path path_;
  const bool keep_;
};

}  // namespace oomgate
