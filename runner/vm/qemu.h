// SPDX-License-Identifier: Apache-2.0
// The QEMU program of this machine: where it is, which one, what it can do.
#pragma once

#include <string>

namespace oomgate {

struct Qemu {
  std::string program;   // its path; "" where there is none
  std::string version;   // "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"
  bool sandbox = false;  // built with seccomp
};

// Throws HarnessError where the program is there and does not start.
Qemu FindQemu(const std::string& name = "qemu-system-x86_64");

// Why it cannot load the plugin that counts instructions; "" where it can.
std::string MissingProfiler(const Qemu& qemu, const std::string& plugin);

// "" where `qemu` is usable, else what to do.
std::string MissingQemu(const Qemu& qemu);

}  // namespace oomgate
