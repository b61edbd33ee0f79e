// SPDX-License-Identifier: Apache-2.0
// A read fault on cached pages of a file maps the 16 around it, also where the
// mapping may be written: one fault for 64 KiB, not one a page.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/counters/file_pages.h"

namespace oomgate {
namespace {

constexpr std::int64_t kAround = 16;  // fault_around_bytes, 64 KiB
constexpr std::int64_t kFaults = 128;
constexpr Bytes kSize = kFaults * kAround * kPage;

int Open(Trace& trace, bool memfd) {
  if (!memfd) return OpenCleanFile(trace, kSize);
  const int file = static_cast<int>(syscall(SYS_memfd_create, "around", 0U));
  if (file < 0 || ftruncate(file, kSize.count) != 0 ||
      fallocate(file, 0, 0, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  return file;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();
  const int file = Open(trace, p["file"] == "memfd");
  const int prot = p["map"] == "read_only" ? PROT_READ : PROT_READ | PROT_WRITE;
  const int flags =
      p["map"] == "private" ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
  const Range range = MapFile(trace, file, kSize, prot, flags);
  const auto read = [&] {
    const std::int64_t before = ReadUsage().minor_faults;
    CountOther(range, 0);
    return ReadUsage().minor_faults - before;
  };
  // Once for what the reader itself needs.
  read();
  if (TryAdvise(range, MADV_DONTNEED) != 0) trace.Stop("MADV_DONTNEED", errno);
  trace.Set("faults", read());
  trace.Set("rss", ReadMapping(range).rss);
  trace.Set("anonymous", MappingField(range, "Anonymous"));
  Unmap(trace, range);
  close(file);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("faults", Eq(kFaults)), Size("rss", Eq(kSize)),
               Size("anonymous", Eq(0_B)));
}

const Register kFaultAround{
    {.id = "counters/fault_around",
     .summary = "a read fault in a cached file maps 16 pages of any mapping",
     .explains =
         {.claim = "Seed 0: minor faults are how memory is watched; \"RSS "
                   "spikes\": a fault in a file maps 64 KiB",
          .deed = "reads every page of a cached file or memfd through a "
                  "mapping that may be written, or not",
          .functions = "do_read_fault, should_fault_around, do_fault_around, "
                       "filemap_map_pages",
          .look_at = "faults: one for 16 pages; rss, that all of them are "
                     "mapped; anonymous, that none was copied"},
     .suite = Suite::kQuick,
     // It mounts a file system.
     .needs = {.alone = true},
     .params = {{"file", {"ramfs", "memfd"}},
                {"map", {"read_only", "shared", "private"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "faults", .better = Better::kLower}}}};

}  // namespace
}  // namespace oomgate
