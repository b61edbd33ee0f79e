// SPDX-License-Identifier: Apache-2.0
// A core dump of memory that was never written, or is not to be dumped, is a
// hole: it takes neither pages of the process that dies nor of the file.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr const char* kPattern = "/proc/sys/kernel/core_pattern";
constexpr const char* kCore = "/case-core";
constexpr Bytes kSize = 64_MiB;
constexpr Bytes kWritten = 2_MiB;

// Leaves how a child that runs `body` ends, and by how much its core fills the
// guest's own file system, which is memory.
template <typename Body>
void Dump(Trace& trace, const char* what, Body body) {
  const auto set = [&](const char* name, std::int64_t value) {
    char full[48];
    std::snprintf(full, sizeof full, "%s.%s", what, name);
    trace.Set(full, value);
  };
  const auto cached_now = [] {
    RefreshVmstat();
    return Meminfo("Cached").count;
  };
  const std::int64_t cached = cached_now();
  set("status", Reap(StartChild(trace, [&] {
        body();
        raise(SIGSEGV);
      })));
  set("cached", cached_now() - cached);
  struct stat core = {};
  set("core_errno", stat(kCore, &core) == 0 ? 0 : errno);
  set("core_size", core.st_size);
  unlink(kCore);
  set("left", cached_now() - cached);
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
    Dump(trace, "nothing", [] {});
    Dump(trace, "wanted", [&] { Write(trace, MADV_DODUMP); });
    Dump(trace, "unwanted", [&] { Write(trace, MADV_DONTDUMP); });
    return;
  }
  Dump(trace, "sparse", [&] {
    const Range range = MapAnonymous(trace, kSize);
    if (p["rest"] == "read") ReadPages(trace, range);
    WritePages(trace, range.Part(kSize / 2, kWritten));
  });
}

Oracle Dumped(const std::string& what) {
  constexpr int kDumped = 0x80;  // WCOREDUMP
  return AllOf(Count(what + ".status", Eq(SIGSEGV | kDumped)),
               Count(what + ".core_errno", Eq(0)),
               Size(what + ".left", Le(512_KiB)));
}

Oracle Expect(const Params& p, const Facts&) {
  if (p["rest"] == "unwanted") {
    // What the processes have beside that: headers, a few pages of their own.
    constexpr std::int64_t kError = 64 * kPage.count;
    constexpr std::int64_t kBoth = (kWritten + kHugePage).count;
    return AllOf(Survives(), Dumped("nothing"), Dumped("wanted"),
                 Dumped("unwanted"),
                 Difference("wanted.cached", "nothing.cached",
                            Between(kBoth - kError, kBoth + kError)),
                 Difference("unwanted.cached", "nothing.cached",
                            Between(-kError, kError)));
  }
  return AllOf(
      Survives(), Dumped("sparse"),
      Size("sparse.core_size", Between(kSize, kSize + kSize)),
      Size("sparse.cached", Between(kWritten, kWritten + 4 * kOwnAnon)));
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
     .needs = {.alone = true, .settings = {{kPattern, kCore}}},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["rest"] == "unwanted") {
             instance.needs.settings.push_back(
                 {"/proc/sys/vm/nr_hugepages", "2"});
           }
         },
     .params = {{"rest", {"untouched", "read", "unwanted"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
