// SPDX-License-Identifier: Apache-2.0
// A touch beyond the end of a file is SIGBUS, and takes nothing: the table that
// the fault had at hand for its page is given back.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr std::int64_t kTouches = 64;  // each in 2 MiB without a table
constexpr Bytes kSize = (kTouches + 1) * pages::kLeafSpan;

// Wait status of a child that touches one byte.
int Touch(Trace& trace, char* at, bool write) {
  return Reap(StartChild(trace, [&] {
    if (write) {
      *static_cast<volatile char*>(at) = 1;
    } else {
      (void)*static_cast<volatile char*>(at);
    }
  }));
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "end", 0U));
  // One page, so that the mapping begins within the file.
  if (file < 0 || ftruncate(file, kPage.count) != 0) trace.Stop("memfd", errno);
  const bool write = p["touch"] != "read";
  const Range range = MapFile(trace, file, kSize, PROT_READ | PROT_WRITE,
                              p["touch"] == "copy" ? MAP_PRIVATE : MAP_SHARED);
  pages::WarmUp(trace);
  trace.Set("inside", Touch(trace, range.start, write));
  RefreshVmstat();
  Meminfo("AnonPages");
  const Bytes tables = OnceStill(pages::MachineTables);
  const Bytes anon = Meminfo("AnonPages");
  const Bytes shmem = Meminfo("Shmem");
  std::int64_t signals = 0;
  for (std::int64_t i = 1; i <= kTouches; ++i) {
    char* const at = range.start + (i * pages::kLeafSpan).count;
    if (Touch(trace, at, write) == SIGBUS) ++signals;
  }
  trace.Set("signals", signals);
  trace.Set("tables", OnceStill(pages::MachineTables) - tables);
  trace.Set("anon", Meminfo("AnonPages") - anon);
  trace.Set("shmem", Meminfo("Shmem") - shmem);
  Unmap(trace, range);
  close(file);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("inside", Eq(0)),
               Count("signals", Eq(kTouches)), Size("tables", Eq(0_B)),
               Size("anon", Eq(0_B)), Size("shmem", Eq(0_B)));
}

const Register kSigbusNoTable{
    {.id = "pages/sigbus_no_table",
     .summary = "a SIGBUS beyond the end of a file leaves no table behind",
     .explains =
         {.claim = "Seed 0: a table is allocated with the page that it maps; "
                   "mmap(2): beyond the end of the file is SIGBUS",
          .deed = "children touch a memfd beyond its end, each in 2 MiB of its "
                  "own; counts tables once they are dead",
          .functions = "do_fault, do_fault_around, do_cow_fault, "
                       "do_shared_fault, __do_fault",
          .look_at = "tables: what faults took in advance and never gave back"},
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"touch", {"read", "write", "copy"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "tables", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
