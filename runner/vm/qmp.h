// SPDX-License-Identifier: Apache-2.0
// A client of QEMU's monitor protocol, as small as a guest's end needs it.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "runner/vm/socket.h"

namespace oomgate {

class Qmp {
 public:
  // Introduces itself at once; the greeting is read when it comes.
  explicit Qmp(QemuSocket& channel);

  // Reads what is there and notes the events in it; never waits.
  void Pump();

  // The answer, {"return":…} or {"error":…}; nothing where none came in time.
  // `descriptor` goes with the command (getfd).
  std::optional<nlohmann::json> Execute(const std::string& command,
                                        const nlohmann::json& arguments,
                                        std::chrono::milliseconds deadline,
                                        int descriptor = -1);

  // What SHUTDOWN gave as its cause: "guest-reset", "guest-shutdown",
  // "guest-panic", "host-signal", …; "" before.
  const std::string& shutdown_reason() const { return shutdown_reason_; }
  bool guest_panicked() const { return guest_panicked_; }
  // QEMU stopped the guest: an error of the accelerator.
  bool stopped() const { return stopped_; }

 private:
  void OnMessage(const nlohmann::json& message);

  QemuSocket& channel_;
  std::string partial_;
  std::uint64_t next_id_ = 1;
  std::optional<nlohmann::json> answer_;  // the newest
  std::string shutdown_reason_;
  bool guest_panicked_ = false;
  bool stopped_ = false;
};

}  // namespace oomgate
