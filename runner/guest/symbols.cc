// SPDX-License-Identifier: Apache-2.0
// /proc/kallsyms in a form of half its size, piece by piece: all of it would
// not fit beside the kernel in a small guest.
#include "runner/guest/symbols.h"

#include <cinttypes>
#include <cstdio>
#include <string>

#include "oomgate/model/line.h"

namespace oomgate {
namespace {

constexpr std::size_t kPiece = 48 << 10;

void Send(Channel& channel, const std::string& piece) {
  channel.Send(Line("symbols").Text("text", piece).Done());
}

}  // namespace

void SendSymbols(Channel& channel) {
  std::FILE* const file = std::fopen("/proc/kallsyms", "re");
  if (file == nullptr) return;
  std::string piece;
  std::uint64_t last = 0;
  char line[1024];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    std::uint64_t address = 0;
    char type = 0;
    char name[512];
    if (std::sscanf(line, "%" SCNx64 " %c %511s", &address, &type, name) != 3 ||
        std::string_view("tTwW").find(type) == std::string_view::npos ||
        // Room before a function, never executed: half of all since 6.2.
        std::string_view(name).starts_with("__pfx_")) {
      continue;
    }
    char step[24];
    std::snprintf(step, sizeof step, "%" PRIx64 " ", address - last);
    piece += step;
    piece += name;
    piece += ' ';
    last = address;
    if (piece.size() < kPiece) continue;
    Send(channel, piece);
    piece.clear();
    last = 0;
  }
  std::fclose(file);
  if (!piece.empty()) Send(channel, piece);
}

}  // namespace oomgate
