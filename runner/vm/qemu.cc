// SPDX-License-Identifier: Apache-2.0
// Asks QEMU what it is: options are read in order, so that one start tells
// both the version and whether the sandbox option is understood.
#include "runner/vm/qemu.h"

#include "runner/error.h"
#include "runner/process.h"

namespace oomgate {
namespace {

constexpr std::chrono::seconds kDeadline{20};

// "QEMU emulator version 7.2.22 (Debian …)\nCopyright …" -> "7.2.22 (Debian …)"
std::string VersionIn(const std::string& text) {
  constexpr std::string_view kBefore = "version ";
  const std::size_t at = text.find(kBefore);
  if (at == std::string::npos) return "unknown";
  const std::size_t begin = at + kBefore.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

Qemu FindQemu(const std::string& name) {
  Qemu qemu;
  qemu.program = FindProgram(name);
  if (qemu.program.empty()) return qemu;
  Finished asked = RunToEnd(
      {.argv = {qemu.program, "-sandbox", "on", "-version"}}, kDeadline);
  qemu.sandbox = asked.ok();
  if (!asked.ok()) {
    asked = RunToEnd({.argv = {qemu.program, "-version"}}, kDeadline);
  }
  if (!asked.ok()) {
    throw HarnessError(qemu.program + " -version failed: " + asked.err);
  }
  qemu.version = VersionIn(asked.out);
  return qemu;
}

std::string MissingProfiler(const Qemu& qemu, const std::string& plugin) {
  if (plugin.empty()) {
    return "--profile-functions: there is no oomgate-profile.so beside "
           "oomgate-init: build it (cmake --build), or install oomgate again";
  }
  const Finished asked = RunToEnd(
      {.argv = {qemu.program, "-machine", "none", "-nodefaults", "-display",
                "none", "-accel", "tcg", "-plugin", plugin + ",probe=on"}},
      kDeadline);
  if (asked.ok()) return "";
  return "--profile-functions: QEMU " + qemu.version +
         " does not load plugins of version 1, as 7.2 does: run without, or "
         "with such a QEMU; it said: " +
         asked.err;
}

std::string MissingQemu(const Qemu& qemu) {
  if (!qemu.program.empty()) return "";
  return "qemu-system-x86_64 is not in PATH: install it "
         "(Debian: apt install qemu-system-x86)";
}

}  // namespace oomgate
