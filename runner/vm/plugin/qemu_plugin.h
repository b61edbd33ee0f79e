// SPDX-License-Identifier: Apache-2.0
// What we use of QEMU's plugin interface, version 1 (QEMU 7.2 has it): facts of
// its documentation, docs/devel/tcg-plugins.rst. Debian ships no header.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

using qemu_plugin_id_t = std::uint64_t;
struct qemu_plugin_tb;    // instructions that were translated together
struct qemu_plugin_insn;  // one of them
struct qemu_info_t;       // of the machine: not looked at

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS = 0 };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };

// Ours, which QEMU looks for.
[[gnu::visibility("default")]] extern int qemu_plugin_version;
[[gnu::visibility("default")]] int qemu_plugin_install(qemu_plugin_id_t id,
                                                       const qemu_info_t* info,
                                                       int argc, char** argv);

// QEMU's.
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*callback)(qemu_plugin_id_t,
                                                            qemu_plugin_tb*));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
                                    void (*callback)(qemu_plugin_id_t, void*),
                                    void* data);
// Valid during a translation's callback.
std::size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb* block);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb* block,
                                          std::size_t index);
std::uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn* instruction);
const void* qemu_plugin_insn_data(const qemu_plugin_insn* instruction);
std::size_t qemu_plugin_insn_size(const qemu_plugin_insn* instruction);
// Before each execution of it.
void qemu_plugin_register_vcpu_insn_exec_inline(qemu_plugin_insn* instruction,
                                                qemu_plugin_op operation,
                                                void* target,
                                                std::uint64_t operand);
void qemu_plugin_register_vcpu_insn_exec_cb(
    qemu_plugin_insn* instruction, void (*callback)(unsigned vcpu, void* data),
    qemu_plugin_cb_flags flags, void* data);

}  // extern "C"
