// SPDX-License-Identifier: Apache-2.0
// The little that is to be known of an ELF kernel: its machine, whether QEMU
// can enter it (PVH), and how much of the file is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace oomgate {

struct ElfImage {
  std::uint16_t machine = 0;  // EM_X86_64 …; 0 where not little-endian
  bool is64 = false;
  bool executable = false;   // not a module or another object file
  bool truncated = false;    // headers or segments lie beyond the end
  bool pvh = false;          // has the Xen note with the 32-bit PVH entry
  std::uint64_t loaded = 0;  // where the last segment ends in the file
};

// Nothing where the bytes are no ELF file. Segments are only read for 64 bits.
std::optional<ElfImage> ReadElf(std::string_view bytes);

// The file without what no loader needs (debug information, relocations).
std::string KeepSegments(std::string_view bytes, const ElfImage& elf);

}  // namespace oomgate
