// SPDX-License-Identifier: Apache-2.0
// In mode 2 a fork is charged for what it copies, to the page; one that is
// refused half way gives back all that it took.
#include <algorithm>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr std::int64_t kForks = 500;

// What mm/util.c, __vm_enough_memory, must find when fork comes to the last
// large mapping, of `pages`: what is committed with the parent and, by then,
// with the child is below the limit less the user's reserve.
class Rule {
 public:
  explicit Rule(const Range& part)
      : limit_(Meminfo("CommitLimit") / kPage),
        committed_(Meminfo("Committed_AS") / kPage),
        below_(ReadMapping(Below(part)).accounted / kPage),
        size_(NumberIn("/proc/self/statm")),
        reserve_(NumberIn("/proc/sys/vm/user_reserve_kbytes") / 4) {}

  bool Forks(std::int64_t pages) const {
    // The large mapping stands in a reservation: it does not add to the size.
    return committed_ + below_ + 2 * pages <
           limit_ - std::min(size_ / 32, reserve_);
  }

 private:
  static Range Below(const Range& part) {
    return {.start = nullptr,
            .size = Bytes{reinterpret_cast<std::int64_t>(part.start)}};
  }
  std::int64_t limit_, committed_, below_, size_, reserve_;
};

void Subject(Trace& trace, const Params&, const Facts&) {
  const Bytes limit = Meminfo("CommitLimit");
  const Range room = Reserve(trace, limit / kPage * kPage);
  const std::int64_t most = (limit - Meminfo("Committed_AS")) / kPage - 512;
  const Rule rule(room);
  const auto forks = [&](std::int64_t pages) {
    ReserveOver(trace, room);
    MapOver(trace, room.Part(0_B, pages * kPage));
    return TryFork() == 0;
  };
  const std::int64_t largest = Largest(most, forks);
  trace.Set("largest_error", largest - Largest(most, [&](std::int64_t pages) {
                               return rule.Forks(pages);
                             }));

  // 60 % of what is free, a child's share of it no longer is.
  ReserveOver(trace, room);
  MapOver(trace, room.Part(0_B, most * 6 / 10 * kPage));
  TryFork();  // its slab
  RefreshVmstat();
  const Bytes committed = Meminfo("Committed_AS");
  const Bytes tables = Meminfo("PageTables");
  const Bytes stacks = Meminfo("KernelStack");
  const Bytes slab = Meminfo("SUnreclaim");
  std::int64_t refused = 0;
  for (int i = 0; i < kForks; ++i) refused += TryFork() == ENOMEM ? 1 : 0;
  RefreshVmstat();
  trace.Set("refused", refused);
  trace.Set("committed_left", Meminfo("Committed_AS") - committed);
  trace.Set("tables_left", Meminfo("PageTables") - tables);
  trace.Set("stacks_left", Meminfo("KernelStack") - stacks);
  trace.Set("slab_left", Meminfo("SUnreclaim") - slab);
  trace.Set("vfork_errno", TryVfork());
  ReserveOver(trace, room);
  trace.Set("small_errno", TryFork());
}

Oracle Expect(const Params&, const Facts& f) {
  return AllOf(Survives(), Count("largest_error", Eq(0)),
               Count("refused", Eq(kForks)), Size("committed_left", Eq(0_B)),
               // Since 6.14 tables are freed by RCU: at most some forks' worth.
               Size("tables_left",
                    Between(0_B - 256_KiB,
                            f.kernel >= KernelVersion{6, 14} ? 2_MiB : 0_B)),
               // Up to two stacks stay with each CPU, for the next fork.
               Size("stacks_left", Between(0_B - 64_KiB, 64_KiB)),
               // Half of what the memory descriptors of those forks would be.
               Size("slab_left", Le(kForks * 512_B)),
               Count("vfork_errno", Eq(0)), Count("small_errno", Eq(0)));
}

const Register kNeverEnomemNoLeak{
    {.id = "fork/never_enomem_no_leak",
     .summary = "mode 2: fork is refused by the formula, and leaks nothing",
     .explains =
         {.claim = "Seed 2: fork fails in mode 2 at \"total RAM + "
                   "CommitLimit\": wrong, it is CommitLimit itself",
          .deed = "bisects the largest mapping that fork can copy; then forks "
                  "500 times with one of 60 % of the free commit",
          .functions = "dup_mmap (fail_nomem), __vm_enough_memory, mmput",
          .look_at = "largest_error is what fork allowed beyond the rule; "
                     "what is left says what an error path forgets"},
     .needs = {.alone = true,
               .settings = {{"/proc/sys/vm/overcommit_memory", "2"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "committed_left", .better = Better::kLower, .unit = "bytes"},
         {.name = "largest_error"}}}};

}  // namespace
}  // namespace oomgate
