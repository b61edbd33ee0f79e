// SPDX-License-Identifier: Apache-2.0
// Whether tests run under the address sanitizer, which takes mlock(2) away and
// maps much of its own.
#pragma once

namespace oomgate {

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace oomgate
