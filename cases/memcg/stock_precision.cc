// SPDX-License-Identifier: Apache-2.0
// memory.current is charged ahead, one batch of pages per CPU: never below
// what is used, never more than a batch above, and grows by whole batches.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kPages = 512;
constexpr int kFolded = 5000;
constexpr int kTries = 5;

// What writing each page of a range did to memory.current.
struct Steps {
  int jumps = 0;
  int behind = 0;  // readings below what was written
  std::int64_t smallest = INT64_MAX;
  std::int64_t largest = 0;
};

template <typename Current>
Steps Write(const Range& range, Current current) {
  Steps steps;
  std::int64_t last = current();
  for (int i = 0; i < kPages; ++i) {
    range.start[i * kPage.count] = 1;
    const std::int64_t now = current();
    if (now < (i + 1) * kPage.count) ++steps.behind;
    if (now == last) continue;
    ++steps.jumps;
    steps.smallest = std::min(steps.smallest, now - last);
    steps.largest = std::max(steps.largest, now - last);
    last = now;
  }
  return steps;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Enter(trace);
  char path[256];
  std::snprintf(path, sizeof path, "%s/memory.current", group.folder());
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  // Opened once: reading it again is charged nothing.
  const auto current = [&] {
    char text[32] = {};
    (void)!pread(file, text, sizeof text - 1, 0);
    return std::atoll(text);
  };
  Range range = MapAnonymous(trace, kPages * kPage);
  Steps steps = Write(range, current);
  // A charge to another group on this CPU, by the kernel, gives the rest of the
  // batch back: then a step says nothing of batches.
  for (int i = 1; i < kTries && steps.smallest != steps.largest; ++i) {
    Unmap(trace, range);
    range = MapAnonymous(trace, kPages * kPage);
    steps = Write(range, current);
  }
  trace.Set("jumps", steps.jumps);
  trace.Set("smallest", steps.smallest);
  trace.Set("largest", steps.largest);
  trace.Set("behind", steps.behind);
  close(file);
  const auto anon = [&] { return group.Field("memory.stat", "anon"); };
  HoldsWithin(kFolded, [&] { return anon() >= (kPages * kPage).count; });
  trace.Set("anon", anon());
  trace.Set("kernel", group.Field("memory.stat", "kernel"));
  trace.Set("file", group.Field("memory.stat", "file"));
  trace.Set("over_charge", group.Number("memory.current") - anon() -
                               group.Field("memory.stat", "kernel") -
                               group.Field("memory.stat", "file"));
  box.self().Enter(trace);
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  // MEMCG_CHARGE_BATCH was 32 pages up to 6.0.
  const std::int64_t batch = f.kernel < KernelVersion{6, 1} ? 32 : 64;
  const std::int64_t jumps = kPages / batch;
  return AllOf(Survives(), Count("behind", Eq(0)),
               Size("smallest", Eq(batch * kPage)),
               Size("largest", Eq(batch * kPage)),
               Count("jumps", Between(jumps, jumps + 1)));
}

const Register kStockPrecision{
    {.id = "memcg/stock_precision",
     .summary = "memory.current grows by whole batches, never too late",
     .explains = {.claim = "Seed 0: which counters are exact; memory.current "
                           "is not, by MEMCG_CHARGE_BATCH pages a CPU",
                  .deed = "in a group of its own, writes page after page and "
                          "reads memory.current after each",
                  .functions = "try_charge_memcg, consume_stock, refill_stock",
                  .look_at = "behind counts readings below what was written; "
                             "smallest and largest are the steps seen"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "over_charge",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 64 * 4096,
                  .cause = "the CPU's charge batch"}}}};

}  // namespace
}  // namespace oomgate
