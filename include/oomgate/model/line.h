// SPDX-License-Identifier: Apache-2.0
// Writes one JSON object as one line, for the side that has no JSON library:
// the judge and the guest's PID 1. Bytes beyond ASCII come out as \u00xx.
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
  void Quote(std::string_view value) {
    text_ += '"';
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
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
