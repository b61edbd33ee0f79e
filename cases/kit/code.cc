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

// The linker's names for where this program, its code, its data and all of it
// end.
extern "C" char __executable_start;
extern "C" char etext;
extern "C" char edata;
extern "C" char end;

std::uintptr_t PageOf(const char& at) {
  return reinterpret_cast<std::uintptr_t>(&at) &
         ~(static_cast<std::uintptr_t>(kPage.count) - 1);
}

// Faults in the page at `at`. Fails where there is nothing between two parts of
// the program, and does not die of it.
void Touch(std::uintptr_t at) {
  char byte = 0;
  const iovec here = {&byte, 1};
  const iovec there = {reinterpret_cast<void*>(at), 1};
  process_vm_readv(getpid(), &here, 1, &there, 1, 0);
}

}  // namespace

void DropCode() {
  const std::uintptr_t start = PageOf(__executable_start);
  // Its page tables are there from now on, one for each 2 MiB: else what is run
  // or used late would bring one while the subject counts its own.
  constexpr auto kTable = static_cast<std::uintptr_t>(kHugePage.count);
  for (std::uintptr_t at = start; at < PageOf(end);
       at = (at / kTable + 1) * kTable) {
    Touch(at);
  }
  madvise(reinterpret_cast<void*>(start), PageOf(etext) - start, MADV_DONTNEED);
}

void MapCode() {
  const std::uintptr_t last = PageOf(edata);
  for (std::uintptr_t at = PageOf(__executable_start); at < last;
       at += static_cast<std::uintptr_t>(kPage.count)) {
    Touch(at);
  }
}

}  // namespace oomgate
