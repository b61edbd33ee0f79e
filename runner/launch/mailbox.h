// SPDX-License-Identifier: Apache-2.0
// Orders that reach a guest while it runs: a text in memory that the outside
// shares with it. Both sides know its layout from here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace oomgate {

// Whole MiB: the size of a PCI bar is a power of two.
inline constexpr std::uint64_t kMailboxSize = 1 << 20;

// The layout: magic (8 bytes), length (8 bytes), text. The magic is there only
// once the text is.
inline constexpr std::uint64_t kMailboxMagic = 0x6574616772656f21;

// What the outside writes into the file that becomes the memory; empty where
// the text is too long.
std::string Mailbox(std::string_view text);

// What stands in `memory`, which has kMailboxSize bytes; waits for it. Spins:
// while it does, nobody else has anything to do.
std::string AwaitMail(const volatile unsigned char* memory);

}  // namespace oomgate
