// SPDX-License-Identifier: Apache-2.0
// memory.current is charged ahead, one batch of pages per CPU: never below
// what is used, never more than a batch above, and grows by whole batches.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr int kPages = 512;

// What writing each page of a range does to memory.current.
struct Jumps {
  Jumps(const Range& range, int current) {
    std::int64_t last = NumberIn(current);
    for (int i = 0; i < kPages; ++i) {
      range.start[i * kPage.count] = 1;
      const std::int64_t now = NumberIn(current);
      if (now < (i + 1) * kPage.count) ++behind;
      if (now == last) continue;
      ++count;
      smallest = std::min(smallest, now - last);
      largest = std::max(largest, now - last);
      last = now;
    }
  }
  int count = 0;
  int behind = 0;  // readings below what was written
  std::int64_t smallest = INT64_MAX;
  std::int64_t largest = 0;
};

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OwnGroup group(trace, f);
  const int current = OpenIn(trace, group, "memory.current");
  Range range = MapAnonymous(trace, kPages * kPage);
  Jumps jumps(range, current);
  // A charge to another group on this CPU, by the kernel, gives the rest of the
  // batch back: then a jump says nothing of batches.
  for (int i = 1; i < 5 && jumps.smallest != jumps.largest; ++i) {
    Unmap(trace, range);
    range = MapAnonymous(trace, kPages * kPage);
    jumps = Jumps(range, current);
  }
  trace.Set("jumps", jumps.count);
  trace.Set("smallest", jumps.smallest);
  trace.Set("largest", jumps.largest);
  trace.Set("behind", jumps.behind);
  const auto stat = [&](const char* key) {
    return group.Field("memory.stat", key);
  };
  HoldsWithin(5000, [&] { return stat("anon") >= (kPages * kPage).count; });
  trace.Set("over_charge", group.Number("memory.current") - stat("anon") -
                               stat("kernel") - stat("file"));
}

Oracle Expect(const Params&, const Facts& f) {
  // MEMCG_CHARGE_BATCH was 32 pages up to 6.0.
  const Bytes batch = (f.kernel < KernelVersion{6, 1} ? 32 : 64) * kPage;
  const std::int64_t jumps = kPages * kPage / batch;
  return AllOf(Survives(), Count("behind", 0), Size("smallest", batch),
               Size("largest", batch),
               Count("jumps", Between(jumps, jumps + 1)));
}

const Register kStockPrecision{
    {.id = "memcg/stock_precision",
     .summary = "memory.current grows by whole batches, never too late",
     .claim = "Seed 0: memory.current is exact to MEMCG_CHARGE_BATCH a CPU",
     .deed = "reads memory.current after each page that it writes",
     .functions = "try_charge_memcg, consume_stock, refill_stock",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("over_charge")
                     .Within(64 * 4096, "the CPU's charge batch")}}};

}  // namespace
}  // namespace oomgate
