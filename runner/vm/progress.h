// SPDX-License-Identifier: Apache-2.0
// How far a guest has come by its records, and until when the next step must
// be seen. Knows records and clocks; neither QEMU nor descriptors.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runner/backend.h"

namespace oomgate {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  Progress(const std::vector<Order>& orders, std::chrono::milliseconds boot,
           Clock::time_point now = Clock::now());

  // True where the line begins an instance.
  bool OnLine(std::string_view line, Clock::time_point now = Clock::now());

  bool started() const { return started_; }
  bool ended() const { return ended_; }
  Clock::time_point deadline() const { return deadline_; }
  // "30 s after pages/zero_page began": what the deadline was about.
  std::string Waited() const;

 private:
  void Allow(std::chrono::milliseconds time, Clock::time_point now,
             std::string since);

  std::map<std::string, int> timeouts_;  // of what has not begun
  bool started_ = false;
  bool ended_ = false;
  std::chrono::milliseconds allowed_{};
  std::string since_;
  Clock::time_point deadline_;
};

}  // namespace oomgate
