// SPDX-License-Identifier: Apache-2.0
// One line of the record stream, read: the outside's view of what the inside
// said. The other side may be a dying kernel, so nothing here trusts it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oomgate/model/result.h"
#include "oomgate/model/run.h"

namespace oomgate {

struct Record {
  enum class Event { kStart, kBegin, kSample, kResult, kLost, kEnd, kOther };
  Event event = Event::kOther;
  Start start;          // kStart: without place, shape and accelerator
  InstanceName name;    // kBegin, kResult, kLost
  Result result;        // kResult: without place, shape and kernel
  std::string cause;    // kLost: "deadline", "signal 9", "exit 3", …
  std::string log;      // kLost: last words of the judge
  bool broken = false;  // kLost: no judge could be started at all
};

// Nothing where the line is not a JSON object, or where its event lacks a field
// or has one of a wrong type. Never throws, whatever the bytes are.
std::optional<Record> ReadRecord(std::string_view line);

// `text` with every byte that is not part of valid UTF-8 replaced by '?'.
std::string AsUtf8(std::string_view text);

// At most `limit` bytes of `text`: its beginning and its end, cut at line
// breaks where there are any, with a line between that says what is missing.
std::string Shortened(const std::string& text, std::size_t limit);

}  // namespace oomgate
