// SPDX-License-Identifier: Apache-2.0
// Writes one JSON object as one line, for the side that has no JSON library:
// the judge and the guest's PID 1. What is not UTF-8 comes out as \u00xx.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "oomgate/model/params.h"

namespace oomgate {

class Line {
 public:
  explicit Line(std::string_view event) {
    text_.reserve(4096);
    text_ = "{";
    Text("event", event);
  }
  Line() { text_ = "{"; }

  Line& Text(std::string_view name, std::string_view value) {
    Name(name);
    Quote(value);
    return *this;
  }
  Line& Number(std::string_view name, std::int64_t value) {
    Name(name);
    text_ += std::to_string(value);
    return *this;
  }
  Line& Seconds(std::string_view name, double value) {
    Name(name);
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6f", value);
    text_ += digits;
    return *this;
  }
  Line& Bool(std::string_view name, bool value) {
    Name(name);
    text_ += value ? "true" : "false";
    return *this;
  }
  Line& Object(std::string_view name) { return Open(name, '{'); }
  Line& Array(std::string_view name) { return Open(name, '['); }
  Line& Item() { return Open("", '{'); }  // an object inside an array
  Line& Word(std::string_view value) {    // a text inside an array
    Name("");
    Quote(value);
    return *this;
  }
  Line& Close(char bracket = '}') {
    text_ += bracket;
    return *this;
  }
  Line& Names(std::string_view name, const Params& params) {
    Object(name);
    for (const auto& [key, value] : params.values()) Text(key, value);
    return Close();
  }

  // The finished object; the line is not used after.
  std::string_view Done() {
    text_ += '}';
    return text_;
  }

 private:
  void Name(std::string_view name) {
    if (text_.back() != '{' && text_.back() != '[') text_ += ',';
    if (name.empty()) return;
    Quote(name);
    text_ += ':';
  }
  Line& Open(std::string_view name, char bracket) {
    Name(name);
    text_ += bracket;
    return *this;
  }
  // Bytes of the character that `text` begins with; 0 where it is none of those
  // that need no second look: two bytes, and three without e0, ed, ee and ef.
  static std::size_t Utf8Length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t length = first < 0x80                    ? 1
                               : first >= 0xc2 && first < 0xe0 ? 2
                               : first >= 0xe1 && first < 0xed ? 3
                                                               : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
    }
    return length;
  }
  void Quote(std::string_view value) {
    text_ += '"';
    for (std::size_t i = 0; i < value.size(); ++i) {
      const char c = value[i];
      const auto byte = static_cast<unsigned char>(c);
      if (const std::size_t length = Utf8Length(value.substr(i)); length > 1) {
        text_ += value.substr(i, length);
        i += length - 1;
      } else if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (c == '\n') {
        text_ += "\\n";
      } else if (byte < 0x20 || byte >= 0x7f) {
        char escape[8];
        std::snprintf(escape, sizeof escape, "\\u%04x", byte);
        text_ += escape;
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }

  std::string text_;
};

}  // namespace oomgate
