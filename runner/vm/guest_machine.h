// SPDX-License-Identifier: Apache-2.0
// A guest's hardware and kernel command line, as QEMU's arguments: text only,
// nothing is started or looked at here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "oomgate/model/environment.h"
#include "runner/kernel/kernel.h"

namespace oomgate {

enum class Accelerator { kTcg, kKvm };
inline constexpr const char* kAcceleratorNames[] = {"tcg", "kvm"};
constexpr const char* ToText(Accelerator accelerator) {
  return kAcceleratorNames[static_cast<int>(accelerator)];
}

// Beside the RAM of a saved guest.
inline constexpr const char* kStateFile = "state";

struct GuestMachine {
  Kernel kernel;
  Shape shape;
  Accelerator accelerator = Accelerator::kTcg;
  std::string command_line;  // the user's, after ours
  bool verbose = false;      // the kernel tells of its boot: slower
  bool sandbox = true;
  std::filesystem::path initramfs;
  // Raw images for /dev/vda and the next; empty: none.
  std::filesystem::path swap;
  std::filesystem::path disk;

  // Counts instructions by address: a plugin of QEMU, and the file that it
  // writes when the guest ends. Empty: neither.
  std::filesystem::path profiler;
  std::filesystem::path counts;

  // Guest RAM in files of this folder ("ram0", one per node), and orders that
  // come through the mailbox. Empty: neither.
  std::filesystem::path ram;
  std::filesystem::path mailbox;  // a file of kMailboxSize bytes
  // Does not boot, but goes on where a guest was saved: with a private copy of
  // its RAM, and its state from kStateFile in that folder.
  bool restore = false;
};

// Descriptors that QEMU inherits, by number: three sockets, and a file.
struct MachineChannels {
  int records = 3;
  int serial = 4;
  int qmp = 5;
  int state = 6;  // a file, only to restore from
};

// Throws UserError where the kernel would not take it all.
std::string KernelCommandLine(const GuestMachine& machine);

// All but argv[0].
std::vector<std::string> QemuArguments(const GuestMachine& machine,
                                       const MachineChannels& channels = {});

}  // namespace oomgate
