// SPDX-License-Identifier: Apache-2.0
// One fault in a cached file maps 16 pages, so that up to 6.1 RSS jumped by
// 66 x 16 pages at a time: 4.1 MiB that were there and not counted.
#include "cases/counters/file_pages.h"
#include "cases/counters/statm.h"

namespace oomgate {
namespace {

constexpr std::int64_t kTouches = 200;
constexpr std::int64_t kAround = 16;  // fault_around_bytes, 64 KiB

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();
  const Bytes size = kTouches * kAround * kPage;
  const int fd = OpenCleanFile(trace, size);
  const Range range = MapFile(trace, fd, size, PROT_READ, MAP_PRIVATE);
  Statm statm(trace);
  const RssSync sync(trace);
  ReadUsage();
  statm.Read();
  const std::int64_t shared = statm.shared;
  const std::int64_t faults = ReadUsage().minor_faults;
  const auto touch = [&](std::int64_t i) {
    (void)*static_cast<volatile char*>(range.start + i * kAround * kPage.count);
  };
  SetSteps(trace, Watch(statm, sync, kTouches, kAround, touch));
  trace.Set("minor_faults", ReadUsage().minor_faults - faults);
  trace.Set("shared", (statm.shared - shared) * kPage);
  trace.Set("rss", ReadMapping(range).rss);
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes size = kTouches * kAround * kPage;
  // Text pages of the subject are file pages as well, where it has to fault
  // them in again: at most a fault around.
  return AllOf(
      Survives(), ExpectSteps(f, kAround),
      Count("minor_faults", Between<std::int64_t>(kTouches, kTouches + 4)),
      Size("shared", Between(size, size + kAround * kPage)), Size("rss", size));
}

const Register kStatmLagFile{
    {.id = "counters/statm_lag_file",
     .summary = "a fault in a file maps 16 pages: RSS lags 16 times as far",
     .claim = "Seed 0: \"RSS spikes by 1.5 MB; 63 faults of 4 KiB cannot "
              "explain it\": each of 66 faults maps 16 pages",
     .deed = "reads every 16th page of a cached file, and statm after each",
     .functions = "do_fault_around, filemap_map_pages, set_pte_range",
     .look_at =
         "minor_faults for the fault-around; the steps as in statm_lag_anon",
     // It mounts a file system.
     .needs = {.alone = true},
     .probe = WhyInexactRss,
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Count("most_lag")}}};

}  // namespace
}  // namespace oomgate
