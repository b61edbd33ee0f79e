// SPDX-License-Identifier: Apache-2.0
// For tests: kernels, modules and packages of a few hundred bytes, made to
// look real to what reads them. They boot nothing.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "runner/kernel/file.h"

namespace oomgate::synthetic {

// Paths and bytes, in this order.
using Files = std::vector<std::pair<std::string, std::string>>;

template <typename T>
void Put(std::string& bytes, std::size_t at, const T& value) {
  if (bytes.size() < at + sizeof value) bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

struct Vmlinux {
  std::string release = "6.1.0-1-test-amd64";
  bool pvh = true;
  std::uint16_t machine = EM_X86_64;
  std::string debug_information = "";
};

inline std::string Make(const Vmlinux& v) {
  std::string loaded(256, '\0');
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = v.machine;
  header.e_phoff = sizeof header;
  header.e_phnum = 2;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_shoff = 9999;
  header.e_shnum = 3;
  Put(loaded, 0, header);
  std::string notes;
  Put(notes, 0, Elf64_Nhdr{4, 4, v.pvh ? 18U : 5U});
  notes += std::string("Xen\0\0\0\0\1", 8);
  const std::string text =
      "Linux version %s\nLinux version " + v.release + " (builder) #1 SMP\n";
  Elf64_Phdr load = {};
  load.p_type = PT_LOAD;
  load.p_offset = loaded.size();
  load.p_filesz = text.size();
  Elf64_Phdr note = {};
  note.p_type = PT_NOTE;
  note.p_offset = loaded.size() + text.size();
  note.p_filesz = notes.size();
  Put(loaded, sizeof header, load);
  Put(loaded, sizeof header + sizeof load, note);
  return loaded + text + notes + v.debug_information;
}

// `filter`: ARCHIVE_FILTER_XZ …
inline std::string Compress(const std::string& bytes, int filter) {
  std::string out(bytes.size() + 4096, '\0');
  std::size_t used = 0;
  archive* a = archive_write_new();
  archive_write_add_filter(a, filter);
  archive_write_set_format_raw(a);
  archive_write_set_bytes_in_last_block(a, 1);
  archive_write_open_memory(a, out.data(), out.size(), &used);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(a, entry);
  archive_write_data(a, bytes.data(), bytes.size());
  archive_entry_free(entry);
  archive_write_close(a);
  archive_write_free(a);
  out.resize(used);
  return out;
}

// A bzImage with this payload. gzip carries its size, the others get it added.
inline std::string MakeBzImage(const std::string& release, std::string payload,
                               int filter = ARCHIVE_FILTER_XZ) {
  payload = Compress(payload, filter);
  if (filter != ARCHIVE_FILTER_GZIP) payload += "size";
  constexpr std::size_t kSetup = 1024;  // one setup sector
  constexpr std::size_t kBefore = 32;   // code ahead of the payload
  std::string image(kSetup + kBefore, '\0');
  Put(image, 0x1f1, std::uint8_t{1});
  const std::size_t paragraphs = (kBefore + payload.size() + 15) / 16;
  Put(image, 0x1f4, static_cast<std::uint32_t>(paragraphs));
  image.replace(0x202, 4, "HdrS");
  Put(image, 0x206, std::uint16_t{0x20f});
  Put(image, 0x20e, std::uint16_t{0x100});
  Put(image, 0x236, std::uint16_t{0x3f});
  Put(image, 0x248, static_cast<std::uint32_t>(kBefore));
  Put(image, 0x24c, static_cast<std::uint32_t>(payload.size()));
  const std::string version = release + " (builder) #1 SMP";
  image.replace(0x300, version.size(), version);
  image += payload;
  image.resize(kSetup + paragraphs * 16);
  return image;
}

inline std::string MakeBzImage(const std::string& release) {
  return MakeBzImage(release, Make(Vmlinux{.release = release}));
}

// A module with nothing but what it says of itself: "depends=virtio".
inline std::string MakeModule(const std::string& name,
                              const std::string& depends = "",
                              const std::string& softdep = "") {
  std::string information = "name=" + name + '\0' + "depends=" + depends + '\0';
  if (!softdep.empty()) information += "softdep=" + softdep + '\0';
  const std::string names("\0.modinfo\0.shstrtab\0", 20);
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  header.e_shoff = sizeof header;
  Elf64_Shdr sections[3] = {};
  sections[1].sh_name = 1;
  sections[1].sh_type = SHT_PROGBITS;
  sections[1].sh_offset = sizeof header + sizeof sections;
  sections[1].sh_size = information.size();
  sections[2].sh_name = 10;
  sections[2].sh_type = SHT_STRTAB;
  sections[2].sh_offset = sections[1].sh_offset + information.size();
  sections[2].sh_size = names.size();
  std::string module;
  Put(module, 0, header);
  Put(module, sizeof header, sections);
  return module + information + names;
}

// An archive in memory: ar, or tar with compression.
inline std::string MakeArchive(const Files& files, bool ar, int filter) {
  std::string out(1 << 20, '\0');
  std::size_t used = 0;
  archive* a = archive_write_new();
  if (ar) {
    archive_write_set_format_ar_svr4(a);
  } else {
    archive_write_add_filter(a, filter);
    archive_write_set_format_ustar(a);
  }
  archive_write_set_bytes_in_last_block(a, 1);
  archive_write_open_memory(a, out.data(), out.size(), &used);
  for (const auto& [path, bytes] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, path.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_write_header(a, entry);
    archive_write_data(a, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(a);
  archive_write_free(a);
  out.resize(used);
  return out;
}

inline std::string MakeDeb(const std::string& package,
                           const std::string& version, const Files& files,
                           const std::string& architecture = "amd64",
                           int filter = ARCHIVE_FILTER_XZ) {
  const std::string control = "Package: " + package + "\nVersion: " + version +
                              "\nArchitecture: " + architecture +
                              "\nMaintainer: nobody <nobody@example.org>\n"
                              "Description: synthetic\n";
  return MakeArchive(
      {{"debian-binary", "2.0\n"},
       {"control.tar.gz",
        MakeArchive({{"./control", control}}, false, ARCHIVE_FILTER_GZIP)},
       {"data.tar", MakeArchive(files, false, filter)}},
      true, 0);
}

// A folder of its own for each test, gone after it.
class Folder : public TemporaryFolder {
 public:
  Folder() : TemporaryFolder(testing::TempDir(), "oomgate-kernel-") {}

  std::filesystem::path Write(const std::string& path,
                              const std::string& bytes) const {
    const std::filesystem::path file = this->path() / path;
    std::filesystem::create_directories(file.parent_path());
    SaveBytes(file, bytes);
    return file;
  }
};

// What a call throws as an error of this type says; "" where it does not.
template <typename Error, typename Call>
std::string MessageOf(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace oomgate::synthetic
