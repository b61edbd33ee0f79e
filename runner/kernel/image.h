// SPDX-License-Identifier: Apache-2.0
// A kernel image as a file: recognises bzImage and ELF, says what is wrong
// with anything else, and makes of it what a guest boots from fastest.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace oomgate {

struct BootImage {
  std::string release;  // "6.1.0-56-cloud-amd64"
  std::string bytes;    // for QEMU's -kernel
  bool pvh = false;     // `bytes` is an ELF with a PVH entry, else a bzImage
  std::string config;   // the one inside (CONFIG_IKCONFIG), or ""
};

// Whether it looks like a bzImage or ELF at all, whole or not.
bool IsKernelImage(std::string_view bytes);

// The release that it says it is, without decompressing anything; or "".
std::string ReleaseIn(std::string_view bytes);

// `name` is what errors call it. Throws UserError where it is no x86-64 kernel
// that QEMU can boot, or not all of one.
BootImage ReadImage(const std::string& name, std::string_view bytes);

}  // namespace oomgate
