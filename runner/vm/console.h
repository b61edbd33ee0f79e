// SPDX-License-Identifier: Apache-2.0
// What a guest's kernel says: all of it to a file, the end of it in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace oomgate {

class Console {
 public:
  // Without a path nothing is written to a file. Throws HarnessError where the
  // file cannot be made.
  explicit Console(const std::filesystem::path& log = {});

  void Feed(std::string_view bytes);
  // What came after the first `position` bytes is what Excerpt() is about.
  void Mark(std::uint64_t position);
  void Mark() { Mark(bytes_); }

  // The text since the mark, printable; the last part of it where it is long.
  std::string Excerpt() const;
  // A kernel that panics says so; the words after "Kernel panic - ", or "".
  std::string Panic() const;
  // Since the mark.
  bool Contains(std::string_view text) const;

  std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kExcerpt = 16 << 10;
  // Enough for the longest OOM report, and for a panic message that a long
  // trace follows.
  static constexpr std::size_t kKept = 256 << 10;

  std::ofstream log_;
  std::string kept_;  // since the mark, its last part
  std::uint64_t bytes_ = 0;
  std::uint64_t left_out_ = 0;  // since the mark, before kept_
};

}  // namespace oomgate
