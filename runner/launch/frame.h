// SPDX-License-Identifier: Apache-2.0
// Record lines on a guest's debug console, each with a sequence number and a
// checksum: what arrives is what was sent, or it is known not to be.
//
//   @<sequence> <crc32 of the line, 8 hex digits> <line>\n
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oomgate {

// CRC-32 (IEEE 802.3), as zlib's crc32().
std::uint32_t Crc32(std::string_view bytes);

// "@<sequence> <crc> "; the caller adds the line and '\n'. Returns its length.
int FrameHeader(std::uint32_t sequence, std::string_view line, char (&out)[32]);

class FrameReader {
 public:
  // Takes bytes as they arrive; appends whole, intact lines to `lines`.
  void Feed(std::string_view bytes, std::vector<std::string>& lines);

  std::uint64_t bytes() const { return bytes_; }      // all that arrived
  std::uint64_t garbled() const { return garbled_; }  // lines thrown away
  std::uint64_t missing() const { return missing_; }  // sequence numbers

 private:
  static constexpr std::size_t kLongestLine = 256 << 10;

  std::string partial_;
  std::uint32_t next_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t garbled_ = 0;
  std::uint64_t missing_ = 0;
};

}  // namespace oomgate
