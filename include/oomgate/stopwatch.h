// SPDX-License-Identifier: Apache-2.0
// How long something takes, by the monotonic clock: time as a user sees it.
// What the CPU spends on it, or instructions, tells CostClock of cost.h.
#pragma once

#include <time.h>

#include <cstdint>

namespace oomgate {

class Stopwatch {
 public:
  Stopwatch() { Restart(); }
  void Restart() { clock_gettime(CLOCK_MONOTONIC, &start_); }

  // Since it was made, or restarted.
  std::int64_t Nanoseconds() const {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start_.tv_sec) * std::int64_t{1'000'000'000} +
           now.tv_nsec - start_.tv_nsec;
  }
  std::int64_t Microseconds() const { return Nanoseconds() / 1000; }
  std::int64_t Milliseconds() const { return Nanoseconds() / 1'000'000; }

 private:
  timespec start_ = {};
};

}  // namespace oomgate
