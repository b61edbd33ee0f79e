// SPDX-License-Identifier: Apache-2.0
// Escapes what a terminal or a shell would act upon.
#include "runner/report/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "runner/record/record.h"

namespace oomgate {

std::string Printable(std::string_view text) {
  const std::string valid = AsUtf8(text);
  std::string printable;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const auto byte = static_cast<unsigned char>(valid[i]);
    const auto next =
        i + 1 < valid.size() ? static_cast<unsigned char>(valid[i + 1]) : 0U;
    if (byte == '\n') {
      printable += "\\n";
    } else if (byte == '\t') {
      printable += ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      printable += fmt::format("\\x{:02x}", byte);
    } else if (byte == 0xc2 && next < 0xa0) {
      // The C1 controls: some terminals act on them as on an escape.
      printable += fmt::format("\\x{:02x}", next);
      ++i;
    } else {
      printable += valid[i];
    }
  }
  return printable;
}

std::string PrintableLines(std::string_view text, std::string_view indent) {
  std::string lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines += fmt::format("{}{}\n", indent, Printable(line));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string Wrapped(std::string_view text, std::string_view indent) {
  constexpr std::size_t kWidth = 78;
  std::string lines;
  std::string line(indent);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end =
        std::min(text.find_first_of(" \n", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    at = end + 1;
    const bool first = line.size() == indent.size();
    if (!first && line.size() + 1 + word.size() > kWidth) {
      lines += line + "\n";
      line = indent;
    } else if (!first) {
      line += ' ';
    }
    line += word;
  }
  lines += line;
  return PrintableLines(lines, "");
}

std::string NumberText(double value) {
  if (std::nearbyint(value) == value && std::abs(value) < 1e15) {
    return fmt::format("{:.0f}", value);
  }
  return fmt::format("{:.6g}", value);
}

std::string PercentText(double share) {
  if (std::isinf(share)) return "more than nothing";
  const double percent = share * 100;
  if (std::abs(percent) >= 9.95) return fmt::format("{:.0f} %", percent);
  return fmt::format("{:.2g} %", percent);
}

std::string ShellQuoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "_-./=,:@%+";
  if (!word.empty() &&
      word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string ShellQuoted(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    line += ShellQuoted(word);
  }
  return line;
}

}  // namespace oomgate
