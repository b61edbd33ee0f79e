// SPDX-License-Identifier: Apache-2.0
// A core dump of memory that was never written is a hole: it takes neither
// pages of the process that dies nor of the file.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr const char* kPattern = "/proc/sys/kernel/core_pattern";
constexpr const char* kCore = "/case-core";
constexpr Bytes kSize = 64_MiB;
constexpr Bytes kWritten = 2_MiB;

void Subject(Trace& trace, const Params& p, const Facts&) {
  const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &unlimited) != 0) trace.Stop("setrlimit", errno);
  // The core lies in the guest's own file system, which is memory.
  const auto cached_now = [] {
    RefreshVmstat();
    return Meminfo("Cached");
  };
  const Bytes cached = cached_now();
  trace.Set("status", Reap(StartChild(trace, [&] {
              const Range range = MapAnonymous(trace, kSize);
              if (p["rest"] == "read") ReadPages(trace, range);
              WritePages(trace, range.Part(kSize / 2, kWritten));
              raise(SIGSEGV);
            })));
  trace.Set("cached", cached_now() - cached);
  struct stat core = {};
  trace.Set("core_errno", stat(kCore, &core) == 0 ? 0 : errno);
  trace.Set("core_size", core.st_size);
  unlink(kCore);
  trace.Set("left", cached_now() - cached);
}

Oracle Expect(const Params&, const Facts&) {
  constexpr int kDumped = 0x80;  // WCOREDUMP
  return AllOf(Survives(), Count("status", Eq(SIGSEGV | kDumped)),
               Count("core_errno", Eq(0)),
               Size("core_size", Between(kSize, kSize + kSize)),
               Size("cached", Between(kWritten, kWritten + 4 * kOwnAnon)),
               Size("left", Le(512_KiB)));
}

const Register kCoreDump{
    {.id = "pages/core_dump",
     .summary = "a core dump leaves holes where nothing was written",
     .explains = {.claim = "Seed 0: memory that was only read takes no RAM; "
                           "core(5)",
                  .deed = "a child with 64 MiB, untouched or read, of which "
                          "it wrote 2 MiB, dies of SIGSEGV and leaves a core",
                  .functions = "elf_core_dump, dump_user_range, get_dump_page, "
                               "dump_skip",
                  .look_at = "cached is what the core takes; core_size, how "
                             "far it reaches"},
     .needs = {.alone = true, .settings = {{kPattern, kCore}}},
     .params = {{"rest", {"untouched", "read"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
