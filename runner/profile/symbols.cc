// SPDX-License-Identifier: Apache-2.0
// The functions of a kernel by their addresses.
#include "runner/profile/symbols.h"

#include <gelf.h>

#include <charconv>
#include <memory>
#include <tuple>

#include "oomgate/model/profile.h"
#include "runner/error.h"

namespace oomgate {
namespace {

// No function is longer: beyond lies what has no symbols, like modules after a
// System.map's last.
constexpr std::uint64_t kLongest = 1 << 20;

std::string_view NextWord(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return word;
}

bool ReadHexadecimal(std::string_view text, std::uint64_t& number) {
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, 16);
  return error == std::errc() && at == end;
}

bool IsKernels(std::uint64_t address) { return address >> 63 != 0; }

bool IsCode(Elf* elf, const GElf_Sym& symbol) {
  // What is written in assembler is not always typed as a function.
  const auto type = GELF_ST_TYPE(symbol.st_info);
  if (type != STT_FUNC && type != STT_NOTYPE) return false;
  if (symbol.st_shndx >= SHN_LORESERVE) return false;
  GElf_Shdr home;
  return gelf_getshdr(elf_getscn(elf, symbol.st_shndx), &home) != nullptr &&
         (home.sh_flags & SHF_EXECINSTR) != 0;
}

}  // namespace

void Symbols::Add(std::uint64_t address, std::string_view name) {
  if (const std::size_t dot = name.find('.'); dot != 0) {
    name = name.substr(0, dot);
  }
  // Those of user space are per-CPU offsets, and nobody's.
  if (name.empty() || !IsKernels(address)) return;
  std::string& known = by_address_[address];
  // Section marks ("__entry_text_start") begin with an underscore.
  const auto rank = [](std::string_view of) {
    return std::tuple(of.starts_with('_'), of.size(), of);
  };
  if (known.empty() || rank(name) < rank(known)) known = name;
}

void Symbols::AddFile(const std::string& bytes, const std::string& source) {
  const bool elf = bytes.starts_with(ELFMAG);
  elf ? AddElf(bytes) : AddMap(bytes);
  if (!empty()) return;
  throw UserError(source + (elf ? ": has no symbol table: name the vmlinux of "
                                  "the build tree, or its System.map"
                                : ": neither a vmlinux nor a System.map"));
}

void Symbols::AddMap(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = NextWord(text, '\n');
    std::uint64_t address = 0;
    if (!ReadHexadecimal(NextWord(line, ' '), address)) continue;
    const std::string_view type = NextWord(line, ' ');
    constexpr std::string_view kCode = "tTwW";
    if (type.size() != 1 || kCode.find(type) == std::string_view::npos) {
      continue;
    }
    Add(address, NextWord(line, '\t'));  // kallsyms: "name\t[module]"
  }
}

void Symbols::AddElf(const std::string& bytes) {
  elf_version(EV_CURRENT);
  // It reads only: the library asks for a pointer to char.
  const std::unique_ptr<Elf, decltype(&elf_end)> elf(
      elf_memory(const_cast<char*>(bytes.data()), bytes.size()), &elf_end);
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf.get(), section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr ||
        header.sh_type != SHT_SYMTAB || header.sh_entsize == 0) {
      continue;
    }
    Elf_Data* const data = elf_getdata(section, nullptr);
    for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
      if (!IsCode(elf.get(), symbol)) continue;
      const char* const name =
          elf_strptr(elf.get(), header.sh_link, symbol.st_name);
      if (name != nullptr) Add(symbol.st_value, name);
    }
  }
}

bool Symbols::AddSent(std::string_view text) {
  std::uint64_t address = 0;
  while (!text.empty()) {
    std::uint64_t step = 0;
    if (!ReadHexadecimal(NextWord(text, ' '), step)) return false;
    address += step;  // may wrap: they need not ascend
    const std::string_view name = NextWord(text, ' ');
    if (name.empty()) return false;
    Add(address, name);
  }
  return true;
}

std::string Symbols::NameOf(std::uint64_t address) const {
  auto next = by_address_.upper_bound(address);
  if (next == by_address_.begin()) return kNoSymbol;
  --next;
  return address - next->first < kLongest ? next->second : kNoSymbol;
}

}  // namespace oomgate
