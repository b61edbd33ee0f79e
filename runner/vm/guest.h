// SPDX-License-Identifier: Apache-2.0
// One guest from its switching on to its end, whatever that is.
//
//   QEMU ─ records ─▶ FrameReader ─▶ lines ─▶ Progress, the caller
//        ─ serial ──▶ Console        ◀─ sysrq
//        ─ qmp ─────▶ Qmp            ◀─ break, NMI
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "runner/cancel.h"
#include "runner/vm/console.h"
#include "runner/vm/guest_machine.h"
#include "runner/vm/progress.h"
#include "runner/vm/qemu.h"

namespace oomgate {

enum class Fate {
  kEnded,       // it said that all was done
  kPanicked,    // its kernel panicked, or reset the machine
  kHung,        // it did not come on in time, and was killed
  kNotBooted,   // it ended, or was killed, before it said `start`
  kFlooded,     // it said too much, and was killed
  kQemuKilled,  // by somebody's signal: says nothing of the guest
  kDied,        // it was over, or QEMU was, too early and without a panic
  kCancelled,   // we were told to stop
};

struct GuestEnd {
  Fate fate = Fate::kDied;
  std::string reason;         // one line, "" for kEnded and kCancelled
  std::uint64_t garbled = 0;  // lines on the record channel that were no frame
  std::uint64_t missing = 0;  // frames that were sent and did not arrive
  // What was counted by address (runner/vm/plugin); empty without.
  std::string counts = {};
};

struct GuestLimits {
  std::chrono::milliseconds sysrq{1000};  // to answer each of the keys
  std::chrono::milliseconds nmi{2000};    // to panic on an NMI
  std::chrono::milliseconds panic{5000};  // from a panic to QEMU's end
  std::uint64_t records = 64 << 20;       // bytes
  std::uint64_t console = 16 << 20;
};

// Boots the machine until its PID 1 says `ready`, and saves it there: RAM into
// the files of machine.ram, device state into `state`. "" where that is done,
// else what went wrong; QEMU has ended on return, and nothing is whole then.
std::string SaveGuest(const Qemu& qemu, const GuestMachine& machine,
                      const std::filesystem::path& state,
                      std::chrono::milliseconds boot, Console& console,
                      const Cancel& cancel);

// Starts the machine and returns when it is gone: QEMU has ended on return.
// `on_line` gets each intact record; the console is marked when an instance
// begins. Throws HarnessError where QEMU cannot be started at all.
GuestEnd RunGuest(const Qemu& qemu, const GuestMachine& machine,
                  Progress& progress, Console& console,
                  const std::function<void(std::string_view)>& on_line,
                  const Cancel& cancel, const GuestLimits& limits = {});

}  // namespace oomgate
