// SPDX-License-Identifier: Apache-2.0
// The pages of this program's own code and constants.
#include "cases/kit/code.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>

#include "oomgate/usage.h"

namespace oomgate {
namespace {

// The linker's names for where this program, its code and its data end.
extern "C" char __executable_start;
extern "C" char etext;
extern "C" char edata;

std::uintptr_t PageOf(const char& at) {
  return reinterpret_cast<std::uintptr_t>(&at) &
         ~(static_cast<std::uintptr_t>(kPage.count) - 1);
}

}  // namespace

void DropCode() {
  const std::uintptr_t start = PageOf(__executable_start);
  madvise(reinterpret_cast<void*>(start), PageOf(etext) - start, MADV_DONTNEED);
}

void MapCode() {
  const std::uintptr_t end = PageOf(edata);
  for (std::uintptr_t at = PageOf(__executable_start); at < end;
       at += static_cast<std::uintptr_t>(kPage.count)) {
    // Fails where there is nothing between two parts, and does not die of it.
    char byte = 0;
    const iovec here = {&byte, 1};
    const iovec there = {reinterpret_cast<void*>(at), 1};
    process_vm_readv(getpid(), &here, 1, &there, 1, 0);
  }
}

}  // namespace oomgate
