// SPDX-License-Identifier: Apache-2.0
// oomgate-profile.so, which QEMU loads: counts how often each instruction of
// the guest's kernel is executed, and writes it down when the guest ends.
//
//   -plugin oomgate-profile.so,out=FILE     the file gets, as text:
//   deed | guest                            what was counted
//   <address, hexadecimal> <count>          each kernel instruction
//   0 <count>                               all others together
//
// "deed" where the marks of oomgate/deed_mark.h were executed: then only what
// is between them counts. A guest of one CPU: nothing here is locked.
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

#include "oomgate/deed_mark.h"
#include "runner/vm/plugin/qemu_plugin.h"

int qemu_plugin_version = 1;

namespace oomgate {
namespace {

constexpr std::uint64_t kKernelHalf = std::uint64_t{1} << 63;

struct Counter {
  std::uint64_t executed = 0;  // added to by translated code
  std::uint64_t in_deeds = 0;  // may wrap below 0 while one goes on
};

struct State {
  std::string out;
  std::unordered_map<std::uint64_t, Counter> counters;  // by address
  bool marked = false;
  bool in_deed = false;
};
// Never destroyed: exit(3) would do so before QEMU calls us.
State& state = *new State;

void BeginDeed(unsigned, void*) {
  if (state.in_deed) return;
  state.in_deed = state.marked = true;
  for (auto& [address, counter] : state.counters) {
    counter.in_deeds -= counter.executed;
  }
}

void EndDeed(unsigned, void*) {
  if (!state.in_deed) return;
  state.in_deed = false;
  for (auto& [address, counter] : state.counters) {
    counter.in_deeds += counter.executed;
  }
}

bool IsMark(const qemu_plugin_insn* instruction, std::uint32_t bits) {
  std::array<unsigned char, 7> mark = {0x0f, 0x1f, 0x80};
  std::memcpy(mark.data() + 3, &bits, sizeof bits);
  return qemu_plugin_insn_size(instruction) == mark.size() &&
         std::memcmp(qemu_plugin_insn_data(instruction), mark.data(),
                     mark.size()) == 0;
}

// Each for itself, not by block: where a block ends depends on when QEMU had to
// look after its own matters.
void OnTranslation(qemu_plugin_id_t, qemu_plugin_tb* block) {
  const std::size_t count = qemu_plugin_tb_n_insns(block);
  for (std::size_t i = 0; i < count; ++i) {
    qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    const std::uint64_t address = qemu_plugin_insn_vaddr(instruction);
    const bool kernel = address >= kKernelHalf;
    Counter& counter = state.counters[kernel ? address : 0];
    qemu_plugin_register_vcpu_insn_exec_inline(
        instruction, QEMU_PLUGIN_INLINE_ADD_U64, &counter.executed, 1);
    if (kernel) continue;
    if (IsMark(instruction, kDeedBegins)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, BeginDeed,
                                             QEMU_PLUGIN_CB_NO_REGS, nullptr);
    } else if (IsMark(instruction, kDeedEnds)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, EndDeed,
                                             QEMU_PLUGIN_CB_NO_REGS, nullptr);
    }
  }
}

void OnExit(qemu_plugin_id_t, void*) {
  EndDeed(0, nullptr);  // who did it may have been killed
  std::FILE* const file = std::fopen(state.out.c_str(), "w");
  if (file == nullptr) return;  // who reads it says so
  std::fputs(state.marked ? "deed\n" : "guest\n", file);
  for (const auto& [address, counter] : state.counters) {
    const std::uint64_t n = state.marked ? counter.in_deeds : counter.executed;
    if (n > 0) std::fprintf(file, "%" PRIx64 " %" PRIu64 "\n", address, n);
  }
  std::fclose(file);
}

}  // namespace
}  // namespace oomgate

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t*, int argc,
                        char** argv) {
  using namespace oomgate;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    // To be called at all is what was asked for.
    if (argument == "probe=on") _exit(0);
    if (argument.starts_with("out=")) state.out = argument.substr(4);
  }
  if (state.out.empty()) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, OnTranslation);
  qemu_plugin_register_atexit_cb(id, OnExit, nullptr);
  return 0;
}
