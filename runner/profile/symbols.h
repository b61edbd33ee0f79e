// SPDX-License-Identifier: Apache-2.0
// The functions of a kernel by their addresses, from an ELF file's symbol
// table, a System.map, or what a guest's /proc/kallsyms says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace oomgate {

class Symbols {
 public:
  // What compilers make of one function (name.cold, name.isra.0) is one again.
  // Of several names for an address the shortest stays, but rather one without
  // an underscore at its beginning; whatever comes first.
  void Add(std::uint64_t address, std::string_view name);
  // A vmlinux, or "<address> <type> <name>" lines. Throws UserError, naming
  // `source`, where there is no function in it.
  void AddFile(const std::string& bytes, const std::string& source);
  // Functions as PID 1 of a guest sends them (runner/guest/symbols.h); false
  // where that is not understood.
  bool AddSent(std::string_view text);

  bool empty() const { return by_address_.empty(); }
  // The function that the address is in; kNoSymbol where it is in none.
  std::string NameOf(std::uint64_t address) const;

 private:
  void AddMap(std::string_view text);
  void AddElf(const std::string& bytes);

  std::map<std::uint64_t, std::string> by_address_;
};

}  // namespace oomgate
