// SPDX-License-Identifier: Apache-2.0
// What a user names as base and candidates, read and folded into two sides.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "oomgate/model/run.h"
#include "runner/compare/side.h"

namespace oomgate {

// Which kernel series ran in which shape: what a baseline has to fit.
struct Ran {
  std::string shape;
  std::string series;
  bool operator<(const Ran& other) const {
    return std::tie(shape, series) < std::tie(other.shape, other.series);
  }
};
std::set<Ran> RanIn(const Run& run);

// What `path` names, as the base of a comparison with what ran. Of a folder's
// baselines only those that fit are taken; a file is taken as it is. Throws
// UserError where that leaves nothing.
Side LoadBase(const std::string& path, const std::set<Ran>& ran);

struct Sides {
  Side base;
  Side candidate;
  std::string base_name;
  std::string candidate_name;
};

// Runs are read one after the other, so that thousands fit. Throws UserError.
Sides LoadSides(const std::string& base,
                const std::vector<std::string>& candidates);

}  // namespace oomgate
