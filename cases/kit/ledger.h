// SPDX-License-Identifier: Apache-2.0
// What the machine and the box hold when nobody but the judge uses them: after
// an instance it must be what it was before. A difference is a leak.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cases/kit/box.h"
#include "oomgate/facts.h"

namespace oomgate {

class Ledger {
 public:
  // Reads the counters now. Exact only where nothing else runs: in a guest.
  Ledger(const BoxView& box, const Facts& facts);

  // What has not come back to this within the deadline, each with the amount:
  // "Committed_AS +20480 kB".
  std::vector<std::string> WhatLeaked(std::chrono::milliseconds deadline) const;

 private:
  struct Entry {
    const char* name;
    Bytes value;
    Bytes tolerance;  // each has its cause in ledger.cc
  };
  static constexpr int kEntries = 7;
  void Read(Entry (&entries)[kEntries]) const;
  Bytes TablesTolerance() const;

  const BoxView& box_;
  const Facts& facts_;
  Bytes percpu_;
  Entry before_[kEntries];
};

}  // namespace oomgate
