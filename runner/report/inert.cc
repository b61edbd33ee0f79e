// SPDX-License-Identifier: Apache-2.0
// On top of what is safe for a terminal: what logs of CI systems act upon.
#include "runner/report/inert.h"

#include <fmt/core.h>

#include <cstdint>

#include "runner/report/text.h"

namespace oomgate {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
// Line separators and writing direction; what XML 1.0 cannot hold.
constexpr Range kEscaped[] = {
    {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfffe, 0xffff}};

// `text` is valid UTF-8. All of them take three bytes.
std::string WithoutOddCharacters(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool escaped = false;
    if ((byte(i) & 0xf0U) == 0xe0U && i + 2 < text.size()) {
      const std::uint32_t c = (byte(i) & 0xfU) << 12U |
                              (byte(i + 1) & 0x3fU) << 6U |
                              (byte(i + 2) & 0x3fU);
      for (const Range& range : kEscaped) {
        escaped = escaped || (range.first <= c && c <= range.last);
      }
      if (escaped) plain += fmt::format("\\u{:04x}", c);
    }
    if (escaped) {
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string WithoutCommands(std::string line) {
  for (std::size_t at = 0; (at = line.find("##", at)) != std::string::npos;) {
    line.replace(at + 1, 1, "\\x23");
    at += 5;
  }
  // Blanks before it do not disarm it, those beyond ASCII neither.
  const std::size_t colons = line.find("::");
  if (colons == std::string::npos) return line;
  for (std::size_t i = 0; i < colons; ++i) {
    if (line[i] > ' ' && line[i] < 0x7f) return line;
  }
  return line.replace(colons + 1, 1, "\\x3a");
}

Json Walked(const Json& value, bool several_lines) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return several_lines ? InertLines(text) : InertLine(text);
  }
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& item : value) list.push_back(Walked(item, false));
    return list;
  }
  if (!value.is_object()) return value;
  Json object = Json::object();
  for (const auto& [key, item] : value.items()) {
    // Of a result; the reason why a step is left out is one line.
    const bool lines =
        (key == "reason" || key == "console") && value.contains("verdict");
    object[InertLine(key)] = Walked(item, lines);
  }
  return object;
}

}  // namespace

std::string InertLine(std::string_view text) {
  return WithoutCommands(WithoutOddCharacters(Printable(text)));
}

std::string InertLines(std::string_view text) {
  std::string lines;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines += InertLine(line);
    if (end == std::string_view::npos) break;
    lines += '\n';
    text.remove_prefix(end + 1);
  }
  return lines;
}

Run Inert(const Run& run) { return Walked(Json(run), false).get<Run>(); }

std::string InertJson(const Json& value) {
  const std::string text =
      value.dump(2, ' ', false, Json::error_handler_t::replace);
  std::string inert;
  for (const char c : text) {  // '<' stands in strings only
    if (c == '<') {
      inert += "\\u003c";
    } else {
      inert += c;
    }
  }
  return inert + "\n";
}

}  // namespace oomgate
