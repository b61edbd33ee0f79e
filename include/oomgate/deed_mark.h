// SPDX-License-Identifier: Apache-2.0
// Two instructions that do nothing, on any x86-64, but can be seen by who
// watches a guest's instructions: what is between them is the measured deed.
#pragma once

#include <cstdint>

namespace oomgate {

// In a long no-op "0f 1f 80 <32 bits>": bits that no compiler emits.
inline constexpr std::uint32_t kDeedBegins = 0x6f6d6742;
inline constexpr std::uint32_t kDeedEnds = 0x6f6d6745;

inline void MarkDeedBegins() {
#ifdef __x86_64__
  asm volatile("nopl %c0(%%rax)" ::"i"(kDeedBegins) : "memory");
#endif
}

inline void MarkDeedEnds() {
#ifdef __x86_64__
  asm volatile("nopl %c0(%%rax)" ::"i"(kDeedEnds) : "memory");
#endif
}

}  // namespace oomgate
