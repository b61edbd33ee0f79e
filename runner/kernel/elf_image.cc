// SPDX-License-Identifier: Apache-2.0
// The little that is to be known of an ELF kernel: its machine, whether QEMU
// can enter it (PVH), and how much of the file is loaded.
#include "runner/kernel/elf_image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace oomgate {
namespace {

constexpr std::uint32_t kXenPhys32Entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY

template <typename T>
std::optional<T> At(std::string_view bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
    return std::nullopt;
  }
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::uint64_t Align4(std::uint64_t n) { return (n + 3) & ~3ULL; }

bool HasPvhNote(std::string_view notes) {
  std::uint64_t at = 0;
  while (const auto note = At<Elf64_Nhdr>(notes, at)) {
    const std::uint64_t name = at + sizeof(Elf64_Nhdr);
    if (note->n_type == kXenPhys32Entry && name <= notes.size() &&
        notes.substr(name).starts_with(std::string_view("Xen\0", 4))) {
      return true;
    }
    at = name + Align4(note->n_namesz) + Align4(note->n_descsz);
  }
  return false;
}

}  // namespace

std::optional<ElfImage> ReadElf(std::string_view bytes) {
  if (!bytes.starts_with(std::string_view(ELFMAG, SELFMAG))) {
    return std::nullopt;
  }
  ElfImage elf;
  const auto header = At<Elf64_Ehdr>(bytes, 0);
  if (!header) {
    elf.truncated = true;
    return elf;
  }
  elf.is64 = header->e_ident[EI_CLASS] == ELFCLASS64;
  if (header->e_ident[EI_DATA] == ELFDATA2LSB) elf.machine = header->e_machine;
  // Up to here both classes have the same layout, not beyond.
  elf.executable = header->e_type == ET_EXEC || header->e_type == ET_DYN;
  if (!elf.is64 || elf.machine != EM_X86_64) return elf;
  elf.loaded =
      header->e_phoff + std::uint64_t{header->e_phnum} * sizeof(Elf64_Phdr);
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    const auto segment = At<Elf64_Phdr>(
        bytes, header->e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
    if (!segment || segment->p_offset > bytes.size() ||
        bytes.size() - segment->p_offset < segment->p_filesz) {
      elf.truncated = true;
      return elf;
    }
    elf.loaded = std::max(elf.loaded, segment->p_offset + segment->p_filesz);
    if (segment->p_type == PT_NOTE) {
      elf.pvh = elf.pvh ||
                HasPvhNote(bytes.substr(segment->p_offset, segment->p_filesz));
    }
  }
  return elf;
}

std::string KeepSegments(std::string_view bytes, const ElfImage& elf) {
  std::string kept(bytes.substr(0, elf.loaded));
  Elf64_Ehdr header;
  std::memcpy(&header, kept.data(), sizeof header);
  header.e_shoff = 0;
  header.e_shnum = 0;
  header.e_shstrndx = 0;
  std::memcpy(kept.data(), &header, sizeof header);
  return kept;
}

}  // namespace oomgate
