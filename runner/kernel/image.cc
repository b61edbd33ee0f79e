// SPDX-License-Identifier: Apache-2.0
// A kernel image as a file: recognises bzImage and ELF, says what is wrong
// with anything else, and makes of it what a guest boots from fastest.
#include "runner/kernel/image.h"

#include <elf.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <optional>

#include "runner/error.h"
#include "runner/kernel/archive.h"
#include "runner/kernel/config.h"
#include "runner/kernel/elf_image.h"

namespace oomgate {
namespace {

// Offsets in the setup header: Documentation/arch/x86/boot.rst.
constexpr std::size_t kSetupSectors = 0x1f1;
constexpr std::size_t kSystemSize = 0x1f4;
constexpr std::size_t kMagic = 0x202;
constexpr std::size_t kProtocol = 0x206;
constexpr std::size_t kVersion = 0x20e;
constexpr std::size_t kLoadFlags = 0x236;
constexpr std::size_t kPayloadOffset = 0x248;
constexpr std::size_t kPayloadLength = 0x24c;
constexpr std::size_t kHeaderEnd = 0x250;
constexpr unsigned kLoadKernel64 = 1;  // XLF_KERNEL_64

// Little-endian; the caller checked the bounds.
std::uint32_t Number(std::string_view bytes, std::size_t at, unsigned size) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < size; ++i) {
    value |=
        static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i]))
        << (8 * i);
  }
  return value;
}

bool IsBzImage(std::string_view bytes) {
  return bytes.size() >= kHeaderEnd && bytes.substr(kMagic, 4) == "HdrS";
}

// Up to the first blank: "6.1.0-56 (builder@host) #1 SMP …".
std::string FirstWord(std::string_view text) {
  const std::size_t end = text.find_first_of(std::string_view(" \n\t\0", 4));
  return std::string(text.substr(0, end));
}

std::string ReleaseInElf(std::string_view bytes) {
  constexpr std::string_view kBanner = "Linux version ";
  for (std::size_t at = bytes.find(kBanner); at != std::string_view::npos;
       at = bytes.find(kBanner, at + 1)) {
    const std::string_view rest = bytes.substr(at + kBanner.size(), 128);
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
      return FirstWord(rest);
    }
  }
  return "";
}

const char* MachineName(std::uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "32-bit x86";
    case EM_AARCH64:
      return "arm64";
    case EM_ARM:
      return "32-bit arm";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC";
    case EM_S390:
      return "s390";
    default:
      return "another architecture";
  }
}

// Where the part begins that runs in protected mode.
std::size_t ProtectedMode(std::string_view bytes) {
  const unsigned sectors = Number(bytes, kSetupSectors, 1);
  // 0 means 4, as the boot protocol says.
  return ((sectors == 0 ? 4 : sectors) + 1) * std::size_t{512};
}

std::string ReleaseInBzImage(std::string_view bytes) {
  const std::size_t at = Number(bytes, kVersion, 2) + std::size_t{0x200};
  if (at == 0x200 || at >= ProtectedMode(bytes) || at >= bytes.size()) {
    return "";
  }
  return FirstWord(bytes.substr(at, 128));
}

[[noreturn]] void OtherMachine(const std::string& name,
                               const std::string& machine) {
  throw UserError(
      fmt::format("{}: a kernel for {}; guests are x86-64: give a kernel "
                  "built with ARCH=x86_64",
                  name, machine));
}

[[noreturn]] void Truncated(const std::string& name, std::uint64_t needed,
                            std::uint64_t have) {
  throw UserError(
      fmt::format("{}: truncated: its header promises {} bytes, the file has "
                  "{}; copy, download or build it again",
                  name, needed, have));
}

[[noreturn]] void NotAKernel(const std::string& name, std::string_view bytes) {
  if (bytes.size() >= 0x3c && bytes.substr(0x38, 4) == "ARMd") {
    OtherMachine(name, "arm64");
  }
  if (bytes.size() >= 0x35 && bytes.substr(0x30, 5) == "RISCV") {
    OtherMachine(name, "RISC-V");
  }
  if (bytes.size() < kHeaderEnd) {
    throw UserError(fmt::format("{}: {} bytes are too few for a kernel image",
                                name, bytes.size()));
  }
  throw UserError(
      fmt::format("{}: neither a bzImage (vmlinuz) nor an ELF vmlinux; give "
                  "one of these, a kernel .deb, or a kernel build tree",
                  name));
}

// The vmlinux in a bzImage; nothing where it cannot be had, which costs boot
// time and no more.
std::optional<std::string> ExtractElf(std::string_view bytes,
                                      std::size_t protected_mode) {
  const std::uint64_t offset =
      protected_mode + std::uint64_t{Number(bytes, kPayloadOffset, 4)};
  std::uint64_t length = Number(bytes, kPayloadLength, 4);
  if (length < 8 || offset > bytes.size() || bytes.size() - offset < length) {
    return std::nullopt;
  }
  // gzip ends with the size itself; to the others the kernel appends it.
  const bool gzip = bytes.substr(offset, 2) == "\x1f\x8b";
  if (!gzip) length -= 4;
  return Decompress(bytes.substr(offset, length));
}

BootImage ReadBzImage(const std::string& name, std::string_view bytes) {
  const unsigned protocol = Number(bytes, kProtocol, 2);
  if (protocol < 0x20c) {
    throw UserError(fmt::format(
        "{}: boot protocol {}.{:02}: older than Linux 3.8, which is the "
        "oldest that can be told to be x86-64",
        name, protocol >> 8, protocol & 0xff));
  }
  if ((Number(bytes, kLoadFlags, 2) & kLoadKernel64) == 0) {
    OtherMachine(name, MachineName(EM_386));
  }
  const std::size_t protected_mode = ProtectedMode(bytes);
  const std::uint64_t size =
      protected_mode + std::uint64_t{Number(bytes, kSystemSize, 4)} * 16;
  if (bytes.size() < size) Truncated(name, size, bytes.size());

  BootImage image;
  image.release = ReleaseInBzImage(bytes);
  if (const auto vmlinux = ExtractElf(bytes, protected_mode)) {
    image.config = EmbeddedConfig(*vmlinux);
    if (image.release.empty()) image.release = ReleaseInElf(*vmlinux);
    const auto elf = ReadElf(*vmlinux);
    if (elf && elf->pvh && !elf->truncated) {
      image.bytes = KeepSegments(*vmlinux, *elf);
      image.pvh = true;
    }
  }
  if (!image.pvh) image.bytes = bytes;
  return image;
}

BootImage ReadVmlinux(const std::string& name, std::string_view bytes,
                      const ElfImage& elf) {
  if (elf.machine != EM_X86_64 && !(elf.truncated && elf.machine == 0)) {
    OtherMachine(name, MachineName(elf.machine));
  }
  if (elf.truncated) {
    throw UserError(fmt::format(
        "{}: truncated: a part that is to be loaded lies beyond the end of "
        "the file ({} bytes); copy or build it again",
        name, bytes.size()));
  }
  BootImage image;
  image.release = ReleaseInElf(bytes);
  if (!elf.executable || image.release.empty()) {
    throw UserError(fmt::format(
        "{}: an ELF file, but no Linux kernel (no \"Linux version …\" in it)",
        name));
  }
  if (!elf.pvh) {
    throw UserError(
        fmt::format("{}: has no PVH entry, without which QEMU cannot boot an "
                    "ELF kernel: give its bzImage, or build with CONFIG_PVH=y",
                    name));
  }
  image.config = EmbeddedConfig(bytes);
  image.bytes = KeepSegments(bytes, elf);
  image.pvh = true;
  return image;
}

}  // namespace

bool IsKernelImage(std::string_view bytes) {
  return IsBzImage(bytes) || ReadElf(bytes).has_value();
}

std::string ReleaseIn(std::string_view bytes) {
  return IsBzImage(bytes) ? ReleaseInBzImage(bytes) : ReleaseInElf(bytes);
}

BootImage ReadImage(const std::string& name, std::string_view bytes) {
  BootImage image;
  if (const auto elf = ReadElf(bytes)) {
    image = ReadVmlinux(name, bytes, *elf);
  } else if (IsBzImage(bytes)) {
    image = ReadBzImage(name, bytes);
  } else {
    NotAKernel(name, bytes);
  }
  // It becomes part of a path.
  if (image.release.empty() || image.release.find('/') != std::string::npos ||
      image.release.starts_with('.')) {
    throw UserError(
        fmt::format("{}: does not say its release; is it damaged?", name));
  }
  return image;
}

}  // namespace oomgate
