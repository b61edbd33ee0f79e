// SPDX-License-Identifier: Apache-2.0
// A core dump of memory that was never written, or is not to be dumped, is a
// hole: it takes neither pages of the process that dies nor of the file.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr const char* kCore = "/case-core";
constexpr Bytes kSize = 64_MiB;
constexpr Bytes kWritten = 2_MiB;

struct Dumps : Scene {
  rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  int limit = Must(trace, "setrlimit", setrlimit(RLIMIT_CORE, &unlimited));
};

Bytes Cached() {
  RefreshVmstat();
  return Meminfo("Cached");
}

// How a child that runs `body` ends, and by how much its core fills the guest's
// own file system, which is memory.
template <typename Body>
auto Dump(Body body) {
  return [=](Dumps& s) {
    const Bytes before = Cached();
    s.Set("status", RunChild(s.trace, [&] {
            body(s);
            raise(SIGSEGV);
          }));
    s.Set("cached", Cached() - before);
    struct stat core = {};
    s.Set("core_errno", ErrnoOf(stat(kCore, &core)));
    s.Set("core_size", core.st_size);
    unlink(kCore);
    s.Set("left", Cached() - before);
  };
}

Row<Dumps> Dumped() {
  constexpr int kDumped = 0x80;  // WCOREDUMP
  return AllOf(Count("status", SIGSEGV | kDumped), Count("core_errno", 0),
               Size("left", Le(512_KiB)));
}

// A page of the pool, and small ones, that are dumped or are not to be.
auto Write(int advice) {
  return [=](const Dumps& s) {
    const Range small = MapAnonymous(s.trace, kWritten);
    TryAdvise(small, advice);
    WritePages(s.trace, small);
    const Range huge = MapBare(s.trace, kHugePage, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
    TryAdvise(huge, advice);
    WritePages(s.trace, huge);
  };
}

// What a core takes beyond that of a process that wrote nothing.
Row<Dumps> Takes(Bytes size) {
  // What the processes have beside that: headers, a few pages of their own.
  constexpr std::int64_t kError = 64 * kPage.count;
  return Difference("cached", "dump nothing.cached",
                    Between(size.count - kError, size.count + kError));
}

Steps<Dumps> Make(const Params& p, const Facts&) {
  if (p["rest"] == "unwanted") {
    return {{"dump nothing", Dump([](const Dumps&) {}), {Dumped()}},
            {"dump what is wanted",
             Dump(Write(MADV_DODUMP)),
             {Dumped(), Takes(kWritten + kHugePage)}},
            {"dump what is not",
             Dump(Write(MADV_DONTDUMP)),
             {Dumped(), Takes(0_B)}}};
  }
  const bool read = p["rest"] == "read";
  return {{"dump 64 MiB, of them 2 MiB written",
           Dump([=](const Dumps& s) {
             const Range range = MapAnonymous(s.trace, kSize);
             if (read) ReadPages(s.trace, range);
             WritePages(s.trace, range.Part(kSize / 2, kWritten));
           }),
           {Dumped(), Size("core_size", Between(kSize, kSize + kSize)),
            Size("cached", Between(kWritten, kWritten + 4 * kOwnAnon))}}};
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["rest"] != "unwanted") return;
  instance.needs.settings.push_back(kVmKnobs.With("nr_hugepages", "2"));
}

const Register kCoreDump{
    {.id = "pages/core_dump",
     .summary = "a core dump leaves holes where nothing was written",
     .claim = "Seed 0: memory that was only read takes no RAM; core(5)",
     .functions = "elf_core_dump, dump_user_range, get_dump_page, dump_skip",
     .look_at = "cached is what the core takes; core_size, how far it reaches",
     .needs = {.alone = true,
               .settings = {{"/proc/sys/kernel/core_pattern", kCore}}},
     .adjust = Adjust,
     .params = {{"rest", {"untouched", "read", "unwanted"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
