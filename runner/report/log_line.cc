// SPDX-License-Identifier: Apache-2.0
// Escapes what KTAP's and LAVA's readers act upon.
#include "runner/report/log_line.h"

#include <algorithm>

namespace oomgate {
namespace {

// Wherever they stand, readers of kernel logs take them for the log's end.
constexpr const char* kEnds[] = {
    "List of all partitions:", "Kernel panic - not syncing: VFS:",
    "reboot: System halted"};

void Escape(std::string& text, char what, const char* by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;) {
    text.replace(at, 1, by);
  }
}

}  // namespace

std::string LogLine(std::string text) {
  for (const std::string end : kEnds) {
    for (std::size_t at = 0; (at = text.find(end, at)) != std::string::npos;) {
      text.replace(at + end.rfind(':'), 1, "\\x3a");
    }
  }
  Escape(text, '#', "\\x23");
  Escape(text, '<', "\\x3c");
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace oomgate
