// SPDX-License-Identifier: Apache-2.0
// Whole files in and out, and the digest that names their bytes. Errors name
// the file.
#include "runner/kernel/file.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "runner/error.h"

namespace oomgate {

namespace fs = std::filesystem;

std::string LoadBytes(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) {
    throw UserError(fmt::format(
        "{}: cannot be read: {}", path.string(),
        error ? error.message() : std::string(std::strerror(errno))));
  }
  std::string bytes(size, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(size));
  if (in.gcount() != static_cast<std::streamsize>(size)) {
    throw UserError(
        fmt::format("{}: changed while it was read; try again", path.string()));
  }
  return bytes;
}

void SaveBytes(const fs::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) {
    throw UserError(fmt::format(
        "{}: cannot be written: {}; the kernel cache is below XDG_CACHE_HOME "
        "(or HOME): free some space there, or name another place",
        path.string(), std::strerror(errno)));
  }
}

std::string Digest(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

TemporaryFolder::TemporaryFolder(const fs::path& parent,
                                 const std::string& prefix) {
  std::error_code error;
  fs::create_directories(parent, error);
  std::string name = (parent / (prefix + "XXXXXX")).string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    throw UserError(fmt::format(
        "cannot make a folder in {}: {}; is XDG_CACHE_HOME (or HOME) a place "
        "that can be written?",
        parent.string(),
        error ? error.message() : std::string(std::strerror(errno))));
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace oomgate
