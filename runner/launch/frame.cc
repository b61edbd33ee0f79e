// SPDX-License-Identifier: Apache-2.0
// Record lines on a guest's debug console: framing and its undoing.
#include "runner/launch/frame.h"

#include <charconv>
#include <cstdio>

namespace oomgate {

std::uint32_t Crc32(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
    }
  }
  return ~crc;
}

int FrameHeader(std::uint32_t sequence, std::string_view line,
                char (&out)[32]) {
  return std::snprintf(out, sizeof out, "@%u %08x ", sequence, Crc32(line));
}

namespace {

// Splits "@<sequence> <crc> <line>" and checks it; false where it is garbled.
bool Unframe(std::string_view frame, std::uint32_t& sequence,
             std::string_view& line) {
  if (frame.empty() || frame[0] != '@') return false;
  const char* const end = frame.data() + frame.size();
  const auto number = std::from_chars(frame.data() + 1, end, sequence);
  if (number.ec != std::errc() || end - number.ptr < 10 || *number.ptr != ' ') {
    return false;
  }
  std::uint32_t crc = 0;
  const char* const digits = number.ptr + 1;
  const auto sum = std::from_chars(digits, digits + 8, crc, 16);
  if (sum.ec != std::errc() || sum.ptr != digits + 8 || *sum.ptr != ' ') {
    return false;
  }
  line = frame.substr(static_cast<std::size_t>(sum.ptr + 1 - frame.data()));
  return Crc32(line) == crc;
}

}  // namespace

void FrameReader::Feed(std::string_view bytes,
                       std::vector<std::string>& lines) {
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    partial_.append(bytes.substr(0, newline));
    if (newline == std::string_view::npos) {
      if (partial_.size() > kLongestLine) {  // flood without line breaks
        partial_.clear();
        ++garbled_;
      }
      return;
    }
    bytes.remove_prefix(newline + 1);
    std::uint32_t sequence = 0;
    std::string_view line;
    if (Unframe(partial_, sequence, line)) {
      if (sequence > next_) missing_ += sequence - next_;
      next_ = sequence + 1;
      lines.emplace_back(line);
    } else {
      ++garbled_;
    }
    partial_.clear();
  }
}

}  // namespace oomgate
