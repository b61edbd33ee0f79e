// SPDX-License-Identifier: Apache-2.0
// In mode 2 a fork is charged for what it copies, to the page; one that is
// refused half way gives back all that it took.
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
        reserve_(kVmKnobs.Number("user_reserve_kbytes") / 4) {}

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

struct Parent : Scene {
  Bytes limit = Meminfo("CommitLimit");
  Range room = Reserve(trace, limit / kPage * kPage);
  std::int64_t most = (limit - Meminfo("Committed_AS")) / kPage - 512;

  void Map(std::int64_t pages) const {
    ReserveOver(trace, room);
    MapOver(trace, room.Part(0_B, pages * kPage));
  }
  std::int64_t Largest(auto fits) const { return oomgate::Largest(most, fits); }
};

// The largest mapping that fork copies, less what the rule allows.
void Bisect(Parent& s) {
  const Rule rule(s.room);
  const std::int64_t largest = s.Largest([&](std::int64_t pages) {
    s.Map(pages);
    return TryFork() == 0;
  });
  s.Set("error", largest - s.Largest([&](std::int64_t pages) {
    return rule.Forks(pages);
  }));
}

void ForkOften(Parent& s) {
  std::int64_t refused = 0;
  for (int i = 0; i < kForks; ++i) refused += TryFork() == ENOMEM ? 1 : 0;
  RefreshVmstat();
  s.Set("refused", refused);
}

Steps<Parent> Make(const Params&, const Facts& f) {
  const auto change = [](const char* field, auto inner) {
    return Change(
        field, [=] { return Meminfo(field); }, inner);
  };
  return {
      {"bisect the size that forks", Bisect, Count("error", 0)},
      // A child's share of that is no longer free.
      {"map 60 % of what is free",
       [](Parent& s) {
         s.Map(s.most * 6 / 10);
         TryFork();  // its slab
         RefreshVmstat();
       }},
      {"fork 500 times", ForkOften, Count("refused", kForks),
       change("Committed_AS", 0_B),
       // Since 6.14 tables are freed by RCU: at most some forks' worth.
       change("PageTables",
              Between(0_B - 256_KiB,
                      f.kernel >= KernelVersion{6, 14} ? 2_MiB : 0_B)),
       // Up to two stacks stay with each CPU, for the next fork.
       change("KernelStack", Between(0_B - 64_KiB, 64_KiB)),
       // Half of what the memory descriptors of those forks would be.
       change("SUnreclaim", Le(kForks * 512_B))},
      {"vfork", TryVfork},
      {"unmap", [](Parent& s) { ReserveOver(s.trace, s.room); },
       Is("fork errno", TryFork, 0)},
  };
}

const Register kNeverEnomemNoLeak{
    {.id = "fork/never_enomem_no_leak",
     .summary = "mode 2: fork is refused by the formula, and leaks nothing",
     .claim = "Seed 2: fork fails in mode 2 at \"total RAM + CommitLimit\": "
              "wrong, it is CommitLimit itself",
     .functions = "dup_mmap (fail_nomem), __vm_enough_memory, mmput",
     .look_at = "error: what fork allowed beyond the rule",
     .needs = {.alone = true,
               .settings = {kVmKnobs.With("overcommit_memory", "2")}},
     .steps = Make,
     .metrics = {
         Metric::Size("committed_left", "fork 500 times.Committed_AS"),
         Metric::Count("largest_error", "bisect the size that forks.error")
             .EitherWay()}}};

}  // namespace
}  // namespace oomgate
