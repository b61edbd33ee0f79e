// SPDX-License-Identifier: Apache-2.0
// Whether guests run by KVM or by TCG. A /dev/kvm may be there and still hang
// every guest (nested hosts): KVM is proved by booting one, once per host boot.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "runner/vm/guest_machine.h"

namespace oomgate {

enum class AcceleratorChoice { kAuto, kKvm, kTcg };
inline constexpr const char* kAcceleratorChoiceNames[] = {"auto", "kvm", "tcg"};

// Throws UserError where `text` is none of the above.
AcceleratorChoice ParseAccelerator(const std::string& text);

// "" where guests can be tried with KVM, else why not: no device, no rights.
std::string MissingKvm(const std::filesystem::path& device = "/dev/kvm");

// Where the answers of this host boot are kept.
struct KvmCache {
  static std::filesystem::path DefaultPath();  // $XDG_CACHE_HOME/oomgate/…
  static std::string HostBoot();               // changes with every host boot

  std::filesystem::path path = DefaultPath();
  std::string host_boot = HostBoot();
};

struct AcceleratorQuestion {
  AcceleratorChoice choice = AcceleratorChoice::kAuto;
  std::string key;  // what the answer depends on: QEMU, kernel
  // Boots a guest with KVM: "" where it came up, else why not; nothing where
  // it was told to stop.
  std::function<std::optional<std::string>()> canary;
  std::function<void(const std::string&)> notice;
  std::filesystem::path device = "/dev/kvm";
  KvmCache cache = {};
};

// Throws UserError where KVM was asked for and does not work.
Accelerator ChooseAccelerator(const AcceleratorQuestion& question);

}  // namespace oomgate
