// SPDX-License-Identifier: Apache-2.0
// What a guest is asked to do, as one text file in its initramfs: written by
// the outside, read by PID 1.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oomgate/model/needs.h"
#include "oomgate/model/units.h"

namespace oomgate {

// What a judge gets on top of its subject's time: for needs, bystanders, the
// rate limit of OOM reports, settling and the oracle.
inline constexpr int kJudgeSeconds = 20;

// One instance, for the launcher.
struct JudgeOrder {
  std::string instance;  // "pages/zero_page[touch=write]"
  Blast blast = Blast::kProcess;
  Bytes box = {};                   // limit of the cgroup to make; kCgroup only
  std::vector<Setting> knobs = {};  // its files, to be written after that
  int timeout_seconds = 30;         // the subject's
  bool invert = false;
  std::string without = {};  // the step whose act is left out; "": none
  bool operator==(const JudgeOrder&) const = default;
};

struct GuestOrders {
  // There are more to come, through the mailbox (runner/launch/mailbox.h): say
  // `ready`, and wait for them. Modules and controller are of the first part.
  bool wait = false;
  // Wanted are the kernel's functions (runner/guest/symbols.h).
  bool symbols = false;
  int cgroup = 2;                    // memory controller to mount: 1 or 2
  std::string swap;                  // block device to swap on: "vda", "zram0"
  Bytes swap_size = {};              // zram only: its disksize
  std::string disk;                  // block device for kScratchDisk
  std::vector<std::string> modules;  // paths, in load order
  std::vector<Setting> settings;
  // Files whose content belongs into `start`, beside what always does.
  std::vector<std::string> shown = {};
  std::vector<JudgeOrder> instances;
  bool operator==(const GuestOrders&) const = default;
};

// Whether an order can carry it as the name of a step: 1 to 64 printable
// characters of ASCII, no blank at its ends.
bool IsStepName(std::string_view text);

// One line per item, "verb value…"; values hold no line breaks.
std::string Encode(const GuestOrders& orders);
// Nothing where a line is not understood.
std::optional<GuestOrders> DecodeOrders(std::string_view text);

}  // namespace oomgate
