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

struct GuestMachine {
  Kernel kernel;
  Shape shape;
  Accelerator accelerator = Accelerator::kTcg;
  std::string command_line;  // the user's, after ours
  bool verbose = false;      // the kernel tells of its boot: slower
  bool sandbox = true;
  std::filesystem::path initramfs;
  std::filesystem::path swap;  // a raw image for /dev/vda; empty: none
};

// Descriptors that QEMU inherits, by number: three sockets.
struct MachineChannels {
  int records = 3;
  int serial = 4;
  int qmp = 5;
};

// Throws UserError where the kernel would not take it all.
std::string KernelCommandLine(const GuestMachine& machine);

// All but argv[0].
std::vector<std::string> QemuArguments(const GuestMachine& machine,
                                       const MachineChannels& channels = {});

}  // namespace oomgate
