// SPDX-License-Identifier: Apache-2.0
// The box as the judge sees it: how large it is, and what the kernel counted in
// it. A memory cgroup (v1 or v2), or the machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oomgate/model/needs.h"
#include "oomgate/model/units.h"

namespace oomgate {

class BoxView {
 public:
  // "process", "machine", or "cgroup:<folder>".
  explicit BoxView(std::string_view text);

  Blast contains() const { return contains_; }
  const std::string& folder() const { return folder_; }
  int cgroup() const { return cgroup_; }  // version; 0 for a machine

  Bytes Limit() const;
  // OOM kills so far, in the cgroup or in the whole machine; -1: not counted.
  std::int64_t OomKills() const;
  // The cgroup's own high-water mark; -1 B where it keeps none.
  Bytes Peak() const;
  // What is charged to it and cannot be reclaimed at once: neither file pages
  // nor slab. 0 for a machine.
  Bytes Charge() const;
  // What is left in it: below its limit, or free in the machine.
  Bytes Free() const;
  // Moves the calling process in; false (with errno) where it cannot.
  bool Enter() const;

 private:
  Blast contains_ = Blast::kProcess;
  std::string folder_;
  int cgroup_ = 0;
};

}  // namespace oomgate
