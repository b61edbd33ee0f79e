// SPDX-License-Identifier: Apache-2.0
// What a guest's kernel says, bounded and made printable.
#include "runner/vm/console.h"

#include <cstdio>

#include "runner/error.h"

namespace oomgate {
namespace {

// Line breaks and tabs stay; the terminal's carriage returns go.
std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') continue;
    if (c == '\n' || c == '\t' || (byte >= 0x20 && byte < 0x7f)) {
      out += c;
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    }
  }
  return out;
}

}  // namespace

Console::Console(const std::filesystem::path& log) {
  if (log.empty()) return;
  log_.open(log, std::ios::binary | std::ios::app);
  if (!log_) {
    throw HarnessError("cannot write " + log.string() +
                       ": give a folder that can be written to");
  }
}

void Console::Feed(std::string_view bytes) {
  bytes_ += bytes.size();
  if (log_.is_open()) {
    log_ << bytes;
    log_.flush();  // what a hanging guest said last is the most useful
  }
  kept_ += bytes;
  if (kept_.size() > 2 * kKept) {
    left_out_ += kept_.size() - kKept;
    kept_.erase(0, kept_.size() - kKept);
  }
}

void Console::Mark(std::uint64_t position) {
  const std::uint64_t begin = bytes_ - kept_.size();
  left_out_ = position < begin ? begin - position : 0;
  if (position > begin) kept_.erase(0, position - begin);
}

std::string Console::Excerpt() const {
  std::string_view text = kept_;
  std::uint64_t out = left_out_;
  if (text.size() > kExcerpt) {
    const std::size_t cut = text.size() - kExcerpt;
    const std::size_t line = text.find('\n', cut);
    const std::size_t from = line == std::string_view::npos ? cut : line + 1;
    out += from;
    text.remove_prefix(from);
  }
  const std::string printable = Printable(text);
  if (out == 0) return printable;
  return "[" + std::to_string(out) + " bytes left out]\n" + printable;
}

std::string Console::Panic() const {
  constexpr std::string_view kSaid = "Kernel panic - ";
  const std::size_t at = kept_.find(kSaid);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + kSaid.size();
  return Printable(std::string_view(kept_).substr(
      begin, kept_.find_first_of("\r\n", begin) - begin));
}

bool Console::Contains(std::string_view text) const {
  return kept_.find(text) != std::string::npos;
}

}  // namespace oomgate
