// SPDX-License-Identifier: Apache-2.0
// Orders that reach a guest while it runs.
#include "runner/launch/mailbox.h"

#include <cstring>

namespace oomgate {
namespace {

constexpr std::size_t kHeader = 16;

std::uint64_t NumberAt(const volatile unsigned char* memory) {
  return *reinterpret_cast<const volatile std::uint64_t*>(memory);
}

}  // namespace

std::string Mailbox(std::string_view text) {
  if (text.size() > kMailboxSize - kHeader) return "";
  std::string bytes(kHeader, '\0');
  const std::uint64_t length = text.size();
  std::memcpy(bytes.data(), &kMailboxMagic, sizeof kMailboxMagic);
  std::memcpy(bytes.data() + 8, &length, sizeof length);
  bytes += text;
  bytes.resize(kMailboxSize);
  return bytes;
}

std::string AwaitMail(const volatile unsigned char* memory) {
  while (NumberAt(memory) != kMailboxMagic) {
  }
  const std::uint64_t length = NumberAt(memory + 8);
  if (length > kMailboxSize - kHeader) return "";
  std::string text(length, '\0');
  for (std::uint64_t i = 0; i < length; ++i) {
    text[i] = static_cast<char>(memory[kHeader + i]);
  }
  return text;
}

}  // namespace oomgate
