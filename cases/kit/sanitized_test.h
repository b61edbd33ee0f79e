// SPDX-License-Identifier: Apache-2.0
// Whether tests run under the address sanitizer, which takes mlock(2) away and
// maps much of its own.
#pragma once

namespace oomgate {

inline constexpr bool kSanitized =
#ifdef __SANITIZE_ADDRESS__
    true;
#else
    false;
#endif

}  // namespace oomgate
