// SPDX-License-Identifier: Apache-2.0
// Which of the places asked for can be used here.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "oomgate/model/environment.h"

namespace oomgate {

struct Places {
  std::vector<Place> usable;
  // Wanted by "auto" but not to be had here, and why.
  std::map<Place, std::string> unusable = {};
  bool operator==(const Places&) const = default;
};

// Why a place cannot be had here; "" where it can.
using MissingAt = std::function<std::string(Place)>;

// `on`: "auto", or places with commas between. "auto" means a cgroup and a
// guest, each where it can be had, else the host; only a guest where the user
// shaped one (`guest_wanted`). A place that is named but cannot be had, or
// that "auto" was narrowed down to, is a UserError.
Places FindPlaces(const std::string& on, bool guest_wanted,
                  const MissingAt& missing_at);

}  // namespace oomgate
