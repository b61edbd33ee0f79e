// SPDX-License-Identifier: Apache-2.0
// A core dump of memory that was never written, or is not to be dumped, is a
// hole: it takes neither pages of the process that dies nor of the file.
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

// By how much a core of a child that runs `body` fills the guest's own file
// system, which is memory.
template <typename Body>
Bytes Dump(Trace& trace, Body body) {
  const auto cached_now = [] {
    RefreshVmstat();
    return Meminfo("Cached");
  };
  const Bytes cached = cached_now();
  trace.Set("status", Reap(StartChild(trace, [&] {
              body();
              raise(SIGSEGV);
            })));
  const Bytes taken = cached_now() - cached;
  struct stat core = {};
  trace.Set("core_errno", stat(kCore, &core) == 0 ? 0 : errno);
  trace.Set("core_size", core.st_size);
  unlink(kCore);
  trace.Set("left", cached_now() - cached);
  return taken;
}

// Pages of the pool, and small ones, that are dumped or are not to be.
void Write(Trace& trace, int advice) {
  const Range small = MapAnonymous(trace, kWritten);
  TryAdvise(small, advice);
  WritePages(trace, small);
  void* const at = mmap(nullptr, Length(kHugePage), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of a huge page", errno);
  const Range huge{.start = static_cast<char*>(at), .size = kHugePage};
  TryAdvise(huge, advice);
  WritePages(trace, huge);
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &unlimited) != 0) trace.Stop("setrlimit", errno);
  if (p["rest"] == "unwanted") {
    trace.Set("nothing", Dump(trace, [] {}));
    trace.Set("wanted", Dump(trace, [&] { Write(trace, MADV_DODUMP); }));
    trace.Set("unwanted", Dump(trace, [&] { Write(trace, MADV_DONTDUMP); }));
    return;
  }
  trace.Set("cached", Dump(trace, [&] {
              const Range range = MapAnonymous(trace, kSize);
              if (p["rest"] == "read") ReadPages(trace, range);
              WritePages(trace, range.Part(kSize / 2, kWritten));
            }));
}

Oracle Expect(const Params& p, const Facts&) {
  constexpr int kDumped = 0x80;  // WCOREDUMP
  const Oracle dumped =
      AllOf(Survives(), Count("status", Eq(SIGSEGV | kDumped)),
            Count("core_errno", Eq(0)), Size("left", Le(512_KiB)));
  if (p["rest"] == "unwanted") {
    constexpr std::int64_t kError = 256 << 10;
    constexpr std::int64_t kBoth = (kWritten + kHugePage).count;
    return AllOf(dumped,
                 Difference("wanted", "nothing",
                            Between(kBoth - kError, kBoth + kError)),
                 Difference("unwanted", "nothing", Between(-kError, kError)));
  }
  return AllOf(dumped, Size("core_size", Between(kSize, kSize + kSize)),
               Size("cached", Between(kWritten, kWritten + 4 * kOwnAnon)));
}

const Register kCoreDump{
    {.id = "pages/core_dump",
     .summary = "a core dump leaves holes where nothing was written",
     .explains = {.claim = "Seed 0: memory that was only read takes no RAM; "
                           "core(5)",
                  .deed = "a child with 64 MiB, untouched or read, of which "
                          "it wrote 2 MiB, dies of SIGSEGV and leaves a core; "
                          "or with MADV_DONTDUMP on what it wrote",
                  .functions = "elf_core_dump, dump_user_range, get_dump_page, "
                               "dump_skip",
                  .look_at = "cached is what the core takes; core_size, how "
                             "far it reaches"},
     .needs = {.alone = true,
               .settings = {{kPattern, kCore},
                            {"/proc/sys/vm/nr_hugepages", "2"}}},
     .params = {{"rest", {"untouched", "read", "unwanted"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
