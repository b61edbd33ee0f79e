// SPDX-License-Identifier: Apache-2.0
// Whether tests run under the address sanitizer, which takes mlock(2) away and
// maps much of its own.
#pragma once

#include <dlfcn.h>

namespace oomgate {

// Only the code under test is sanitized, so the tests ask the linked program.
inline const bool kSanitized = dlsym(RTLD_DEFAULT, "__asan_init") != nullptr;

}  // namespace oomgate
