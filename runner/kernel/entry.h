// SPDX-License-Identifier: Apache-2.0
// One folder of the cache: what lies in it, and whether that is still whole.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "runner/kernel/image.h"
#include "runner/kernel/kernel.h"
#include "runner/kernel/parts.h"

namespace oomgate {

struct Entry {
  Kernel kernel;
  std::string inputs;      // digest of all that it was made from
  std::int64_t added = 0;  // seconds since 1970
};

// Nothing where the folder is no entry, or a damaged one.
std::optional<Entry> ReadEntry(const std::filesystem::path& folder);

// Fills an empty folder; all paths of what it returns are below `folder`.
Entry WriteEntry(const std::filesystem::path& folder, const BootImage& image,
                 const KernelParts& parts, const std::string& source,
                 const std::string& inputs);

}  // namespace oomgate
