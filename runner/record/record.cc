// SPDX-License-Identifier: Apache-2.0
// Reads one record line. Unknown events are kept, not understood: a newer
// inside may say more than this program knows.
#include "runner/record/record.h"

#include <cmath>
#include <exception>
#include <stdexcept>

#include "oomgate/model/json.h"

namespace oomgate {
namespace {

using Event = Record::Event;

Event EventFromText(const std::string& text) {
  if (text == "start") return Event::kStart;
  if (text == "begin") return Event::kBegin;
  if (text == "sample") return Event::kSample;
  if (text == "result") return Event::kResult;
  if (text == "lost") return Event::kLost;
  if (text == "end") return Event::kEnd;
  return Event::kOther;
}

InstanceName NameOf(const Json& json) {
  InstanceName name{json.at("id").get<std::string>(), {}};
  if (json.contains("params")) json.at("params").get_to(name.params);
  return name;
}

Record Understand(const Json& json) {
  Record record;
  record.event = EventFromText(json.at("event").get<std::string>());
  switch (record.event) {
    case Event::kStart:
      if (!IsReadable(json.at("schema").get<int>())) {
        throw std::invalid_argument("schema");
      }
      json.at("kernel").get_ref<const std::string&>();
      record.start = json.get<Start>();
      break;
    case Event::kBegin:
      record.name = NameOf(json);
      break;
    case Event::kResult:
      record.name = NameOf(json);
      record.result = json.get<Result>();
      if (!std::isfinite(record.result.seconds)) record.result.seconds = 0;
      break;
    case Event::kLost:
      record.name = NameOf(json);
      record.cause = json.value("cause", "");
      record.log = json.value("log", "");
      record.broken = json.value("broken", false);
      break;
    case Event::kSample:
    case Event::kEnd:
    case Event::kOther:
      break;
  }
  return record;
}

// Length of the UTF-8 sequence at the start of `text`; 0 where it is invalid.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (first == 0xED && byte(1) > 0x9F) return 0;  // a surrogate
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;  // overlong
    if (first == 0xF4 && byte(1) > 0x8F) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

}  // namespace

std::optional<Record> ReadRecord(std::string_view line) {
  try {
    Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    // A log excerpt may hold any byte, and must not cost the result.
    if (json.is_discarded()) json = Json::parse(AsUtf8(line), nullptr, false);
    if (!json.is_object()) return std::nullopt;
    return Understand(json);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string AsUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) {
      valid += '?';
      text.remove_prefix(1);
    } else {
      valid += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return valid;
}

std::string Shortened(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t head = limit / 2;
  std::size_t tail = text.size() - (limit - head);
  // Whole lines, where that does not lose more than half of either piece.
  const std::size_t head_break = text.rfind('\n', head);
  if (head_break != std::string::npos && head_break > head / 2) {
    head = head_break;
  }
  const std::size_t tail_break = text.find('\n', tail);
  if (tail_break != std::string::npos && tail_break < text.size() - limit / 4) {
    tail = tail_break + 1;
  }
  return AsUtf8(text.substr(0, head) + "\n[" + std::to_string(tail - head) +
                " bytes left out]\n" + text.substr(tail));
}

}  // namespace oomgate
