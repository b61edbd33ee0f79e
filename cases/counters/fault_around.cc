// SPDX-License-Identifier: Apache-2.0
// A read fault on cached pages of a file maps the 16 around it, also where the
// mapping may be written: one fault for 64 KiB, not one a page.
#include "cases/counters/file_pages.h"

namespace oomgate {
namespace {

constexpr std::int64_t kAround = 16;  // fault_around_bytes, 64 KiB
constexpr std::int64_t kFaults = 128;
constexpr Bytes kSize = kFaults * kAround * kPage;

int Open(Trace& trace, bool memfd) {
  if (!memfd) return OpenCleanFile(trace, kSize);
  const int file = MakeMemfd(trace, kSize);
  Must(trace, "fallocate", fallocate(file, 0, 0, kSize.count));
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
  Advise(trace, range, MADV_DONTNEED);
  trace.Set("faults", read());
  trace.Set("rss", ReadMapping(range).rss);
  trace.Set("anonymous", MappingField(range, "Anonymous"));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("faults", kFaults), Size("rss", kSize),
               Size("anonymous", 0_B));
}

const Register kFaultAround{
    {.id = "counters/fault_around",
     .summary = "a read fault in a cached file maps 16 pages of any mapping",
     .claim = "Seed 0: minor faults are how memory is watched; \"RSS spikes\": "
              "a fault in a file maps 64 KiB",
     .deed = "reads every page of a cached file or memfd through a mapping "
             "that may be written, or not",
     .functions = "do_read_fault, should_fault_around, do_fault_around, "
                  "filemap_map_pages",
     .suite = Suite::kQuick,
     // It mounts a file system.
     .needs = {.alone = true},
     .params = {{"file", {"ramfs", "memfd"}},
                {"map", {"read_only", "shared", "private"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Count("faults")}}};

}  // namespace
}  // namespace oomgate
