// SPDX-License-Identifier: Apache-2.0
// The way out of a guest: QEMU's debug console at port 0xe9, and its exit
// device at port 0xf4. No driver, no allocation: works in the middle of an OOM.
#pragma once

#include <cstdint>
#include <string_view>

namespace oomgate {

class Channel {
 public:
  // False where the ports are not to be had (lockdown).
  bool Open();
  // Sends one record line, framed (runner/launch/frame.h).
  void Send(std::string_view line);
  // Ends the machine at once: QEMU exits with 2 * code + 1.
  [[noreturn]] void EndMachine(std::uint8_t code);

 private:
  std::uint32_t sequence_ = 0;
};

}  // namespace oomgate
