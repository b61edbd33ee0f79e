// SPDX-License-Identifier: Apache-2.0
// Whether a place holds what an instance needs.
#pragma once

#include <string>
#include <string_view>

#include "cases/kit/box.h"
#include "oomgate/case.h"

namespace oomgate {

struct Unmet {
  std::string reason;  // "needs X, has Y"; "" where all needs hold
  // A machine made for the case was to have it: then this is no skip.
  bool can_be_promised = false;
};

// The first need that does not hold.
Unmet UnmetNeed(Blast blast, const Needs& needs, const Facts& facts,
                const BoxView& box);

// Whether a setting file that reads `content` holds `value`. Choices show the
// one in force in brackets: "always [madvise] never".
bool SettingHolds(std::string_view content, std::string_view value);

}  // namespace oomgate
