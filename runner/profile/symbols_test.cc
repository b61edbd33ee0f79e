// SPDX-License-Identifier: Apache-2.0
#include "runner/profile/symbols.h"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>
#include <string>

#include "oomgate/model/profile.h"
#include "runner/error.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

TEST(Symbols, AnAddressBelongsToTheFunctionBeforeIt) {
  Symbols symbols;
  symbols.AddFile(
      "ffffffff81000000 T _stext\n"
      "ffffffff81000040 t do_wp_page\n"
      "ffffffff81000080 D a_variable\n"
      "ffffffff810000c0 W handle_mm_fault\n"
      "ffffffffc0000000 t zram_submit_bio\t[zram]\n",
      "System.map");
  EXPECT_EQ(symbols.NameOf(0xffffffff81000040), "do_wp_page");
  EXPECT_EQ(symbols.NameOf(0xffffffff810000bf), "do_wp_page");
  EXPECT_EQ(symbols.NameOf(0xffffffff810000c0), "handle_mm_fault");
  EXPECT_EQ(symbols.NameOf(0xffffffffc0000010), "zram_submit_bio");
  // Before the first, and too far after the last one of the kernel.
  EXPECT_EQ(symbols.NameOf(0xffffffff80ffffff), kNoSymbol);
  EXPECT_EQ(symbols.NameOf(0xffffffff82000000), kNoSymbol);
}

TEST(Symbols, WhatCompilersMakeOfAFunctionIsThatFunction) {
  Symbols symbols;
  symbols.AddFile(
      "ffffffff81000000 t do_anonymous_page.isra.0\n"
      "ffffffff81000100 t do_anonymous_page.cold\n",
      "System.map");
  EXPECT_EQ(symbols.NameOf(0xffffffff81000000), "do_anonymous_page");
  EXPECT_EQ(symbols.NameOf(0xffffffff81000100), "do_anonymous_page");
}

TEST(Symbols, OfTwoNamesTheSameOneStaysInAnyOrder) {
  for (const char* map : {"ffffffff81000000 T __memcpy\n"
                          "ffffffff81000000 W memcpy\n",
                          "ffffffff81000000 W memcpy\n"
                          "ffffffff81000000 T __memcpy\n"}) {
    Symbols symbols;
    symbols.AddFile(map, "System.map");
    EXPECT_EQ(symbols.NameOf(0xffffffff81000000), "memcpy");
  }
  Symbols symbols;
  symbols.Add(0xffffffff81000000, "__irqentry_text_end");
  symbols.Add(0xffffffff81000000, "common_interrupt_return");
  symbols.Add(0xffffffff81000000, "swapgs_restore_regs_and_return_to_usermode");
  EXPECT_EQ(symbols.NameOf(0xffffffff81000000), "common_interrupt_return");
}

TEST(Symbols, AsAGuestSendsThem) {
  Symbols symbols;
  EXPECT_TRUE(symbols.AddSent("ffffffff81000000 first 40 second "));
  // The next piece, and an address before the last one.
  EXPECT_TRUE(
      symbols.AddSent("ffffffffc0000000 module ffffffffc1000080 third "));
  EXPECT_EQ(symbols.NameOf(0xffffffff81000041), "second");
  EXPECT_EQ(symbols.NameOf(0xffffffffc0000001), "module");
  EXPECT_EQ(symbols.NameOf(0xffffffff81000081), "third");
  EXPECT_FALSE(symbols.AddSent("40 cut_off 4"));
  EXPECT_FALSE(symbols.AddSent("xyz not_a_number "));
}

// Sections: none, code, data, symbols, their names.
std::string SmallElf() {
  const std::string names("\0first\0second.cold\0variable\0", 29);
  const auto symbol = [](Elf64_Word name, unsigned char type, Elf64_Half home,
                         Elf64_Addr address) {
    return Elf64_Sym{.st_name = name,
                     .st_info = ELF64_ST_INFO(STB_LOCAL, type),
                     .st_other = 0,
                     .st_shndx = home,
                     .st_value = address,
                     .st_size = 0};
  };
  const Elf64_Sym symbols[] = {{},
                               symbol(1, STT_FUNC, 1, 0xffffffff81000000),
                               symbol(7, STT_NOTYPE, 1, 0xffffffff81000040),
                               symbol(19, STT_OBJECT, 2, 0xffffffff81000080)};
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 5;
  header.e_shoff = sizeof header;
  Elf64_Shdr sections[5] = {};
  sections[1].sh_type = SHT_NOBITS;
  sections[1].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  sections[2].sh_type = SHT_NOBITS;
  sections[2].sh_flags = SHF_ALLOC;
  sections[3].sh_type = SHT_SYMTAB;
  sections[3].sh_offset = sizeof header + sizeof sections;
  sections[3].sh_size = sizeof symbols;
  sections[3].sh_entsize = sizeof(Elf64_Sym);
  sections[3].sh_addralign = 8;
  sections[3].sh_link = 4;
  sections[4].sh_type = SHT_STRTAB;
  sections[4].sh_offset = sections[3].sh_offset + sizeof symbols;
  sections[4].sh_size = names.size();
  sections[4].sh_addralign = 1;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(sections), sizeof sections);
  bytes.append(reinterpret_cast<const char*>(symbols), sizeof symbols);
  return bytes + names;
}

TEST(Symbols, OfAnElfFileTheCode) {
  Symbols symbols;
  symbols.AddFile(SmallElf(), "vmlinux");
  EXPECT_EQ(symbols.NameOf(0xffffffff8100003f), "first");
  EXPECT_EQ(symbols.NameOf(0xffffffff81000090), "second");
  // Whatever was cut off: an error, or fewer of them, and no crash.
  for (std::size_t size = 4; size < SmallElf().size(); ++size) {
    try {
      Symbols().AddFile(SmallElf().substr(0, size), "vmlinux");
    } catch (const UserError&) {
    }
  }
}

// This very program has none in the kernel's half of addresses.
TEST(Symbols, FilesWithoutFunctionsAreRefused) {
  Symbols symbols;
  EXPECT_THROW(symbols.AddFile("hello\n", "/etc/motd"), UserError);
  EXPECT_THROW(symbols.AddFile(std::string("\x7f") + "ELF cut off", "x"),
               UserError);
  EXPECT_THROW(symbols.AddFile(LoadBytes("/proc/self/exe"), "/proc/self/exe"),
               UserError);
}

}  // namespace
}  // namespace oomgate
