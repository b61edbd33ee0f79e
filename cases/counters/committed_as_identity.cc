// SPDX-License-Identifier: Apache-2.0
// Committed_AS is the sum of what is accounted: every `ac` mapping of every
// process, and shared memory. The residual is zero, and it comes back to zero.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

Bytes Residual() {
  RefreshVmstat();
  return Meminfo("Committed_AS") - ReadAllUsage().accounted - Meminfo("Shmem");
}

char* Map(Trace& trace, Bytes size, int flags, int fd = -1) {
  void* at = mmap(nullptr, static_cast<std::size_t>(size.count),
                  PROT_READ | PROT_WRITE, flags, fd, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  return static_cast<char*>(at);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  trace.Set("at_start", Residual());

  const Bytes size = 20_MiB;
  const auto length = static_cast<std::size_t>(size.count);
  char* const own = Map(trace, size, MAP_PRIVATE | MAP_ANONYMOUS);
  trace.Set("with_private", Residual());

  // An anonymous shared object is charged whole when it is made, and Shmem
  // knows its pages only as they are touched.
  char* const shared = Map(trace, size, MAP_SHARED | MAP_ANONYMOUS);
  trace.Set("with_untouched_shared", Residual());
  WritePages(trace, {.start = shared, .size = size});
  trace.Set("with_touched_shared", Residual());

  // A memfd is charged page by page.
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "oomgate", 0));
  if (fd < 0 || ftruncate(fd, size.count) != 0) trace.Stop("memfd", errno);
  char* const file = Map(trace, size, MAP_SHARED, fd);
  trace.Set("with_empty_memfd", Residual());
  WritePages(trace, {.start = file, .size = 5_MiB});
  trace.Set("with_written_memfd", Residual());

  munmap(own, length);
  munmap(shared, length);
  munmap(file, length);
  close(fd);
  trace.Set("at_end", Residual());
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), Size("at_start", Eq(0_B)), Size("with_private", Eq(0_B)),
      Size("with_untouched_shared", Eq(20_MiB)),
      Size("with_touched_shared", Eq(0_B)), Size("with_empty_memfd", Eq(0_B)),
      Size("with_written_memfd", Eq(0_B)), Size("at_end", Eq(0_B)));
}

const Register kCommittedAsIdentity{
    {.id = "counters/committed_as_identity",
     .summary = "Committed_AS = accounted mappings + shared memory, residual 0",
     .explains =
         {.claim = "Documentation/mm/overcommit-accounting: what is charged is "
                   "what is mapped private and writable, and shared memory",
          .deed = "maps, touches and unmaps one object of each kind, and takes "
                  "the residual after each step",
          .functions = "vm_acct_memory, shmem_acct_size, shmem_acct_block",
          .look_at =
              "a residual that stays says which object leaks its charge; exact "
              "since 5.9, which made the reading of Committed_AS exact"},
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "at_start", .better = Better::kLower, .unit = "bytes"},
         {.name = "at_end", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
