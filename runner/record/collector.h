// SPDX-License-Identifier: Apache-2.0
// Turns the record lines of one group into starts and results, exactly one
// result per order, whatever the other side sends or fails to send.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/backend.h"
#include "runner/record/record.h"

namespace oomgate {

// One per boot, made as it begins: a group that needs another boot gets a new
// one, with what Pending() says as the orders of its group. Used by one thread.
class Collector {
 public:
  // `outside`: what the record of a start cannot tell of a guest; its other
  // fields are not looked at.
  Collector(OrderGroup group, Sink& sink, oomgate::Start outside = {});

  // Takes one line of the stream, without line break. What it cannot read is
  // counted and told once; only what the sink throws comes out.
  void Line(std::string_view json);

  bool started() const { return started_; }
  bool ended() const { return ended_; }  // saw `end`
  // Begun, and neither result nor `lost` so far.
  std::optional<InstanceName> running() const { return running_; }
  // Orders without a result, the running one included.
  std::vector<Order> Pending() const { return pending_; }
  std::uint64_t garbled() const { return garbled_; }
  // There was a result that somebody will want to look into.
  bool any_bad() const { return any_bad_; }

  // The running instance's verdict is `lost`. Nothing where nothing runs.
  void Lost(std::string reason, std::string console);
  // The same for a kernel that panicked with those words. Where the instance
  // promises a panic, it passes by the promised words, and fails by others.
  void Panicked(const std::string& words, std::string reason,
                std::string console);
  // The order's verdict is `broken`. Nothing where it has a result already.
  void Broken(const Order& order, std::string reason, std::string console);

  // Where the console excerpt of a result that brings none comes from: the
  // kernel log since the last `begin`.
  void SetConsole(std::function<std::string()> excerpt_since_begin);

 private:
  void Start(oomgate::Start start);
  void Begin(const InstanceName& name);
  void Finish(const InstanceName& name, Result result);
  void Garbled(std::string_view line);
  const Order* OrderOf(const InstanceName& name) const;
  bool IsPending(const InstanceName& name) const;
  double SecondsSinceBegin() const;

  const OrderGroup group_;
  Sink& sink_;
  const oomgate::Start outside_;
  const std::string shape_;
  std::vector<Order> pending_;
  std::optional<InstanceName> running_;
  const std::chrono::steady_clock::time_point made_ =
      std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point begun_;
  std::function<std::string()> console_;
  std::string kernel_;
  bool started_ = false;
  bool ended_ = false;
  bool any_bad_ = false;
  std::uint64_t garbled_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace oomgate
