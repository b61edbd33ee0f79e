// SPDX-License-Identifier: Apache-2.0
// A child is charged for every accounted mapping that it gets, once, and gives
// it back as it unmaps and ends; what shares the memory is charged nothing.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kPrivate = 20_MiB;
constexpr Bytes kDontFork = 6_MiB;
constexpr Bytes kWiped = 3_MiB;
constexpr Range kAll{.size = Bytes{INT64_MAX}};

struct Parent : Scene {
  Range Map(Bytes size, int flags, int prot = PROT_READ | PROT_WRITE) const {
    return MapAnonymous(trace, size,
                        {.prot = prot, .flags = flags | MAP_ANONYMOUS});
  }
  Range own = Map(kPrivate, MAP_PRIVATE);
  Range hidden = Map(kDontFork, MAP_PRIVATE);
  Range wiped = Map(kWiped, MAP_PRIVATE);
  Gate unmap{trace}, done{trace}, end{trace};
  pid_t child = 0;
  pid_t ten[10] = {};
  Bytes before = {};
  Bytes Charged() const { return Meminfo("Committed_AS") - before; }
};

Steps<Parent> Make(const Params&, const Facts&) {
  return {
      {"map one of each kind",
       [](Parent& s) {
         s.Map(5_MiB, MAP_PRIVATE | MAP_NORESERVE);
         s.Map(7_MiB, MAP_PRIVATE, PROT_READ);
         s.Map(9_MiB, MAP_SHARED);
         Advise(s.trace, s.hidden, MADV_DONTFORK);
         Advise(s.trace, s.wiped, MADV_WIPEONFORK);
         // Touched or not is the same.
         WritePages(s.trace, s.own.Part(0_B, 1_MiB));
       },
       {{"accounted", [] { return ReadMapping(kAll).accounted; },
         Ge(kPrivate + kDontFork + kWiped)}}},
      {"fork",
       [](Parent& s) {
         s.before = Meminfo("Committed_AS");
         s.child = StartChild(s.trace, [&s] {
           s.Set("accounted", ReadMapping(kAll).accounted);
           s.Set("wiped", ReadMapping(s.wiped).accounted);
           s.done.Open();
           s.unmap.Pass();
           TryUnmap(s.own.Part(0_B, kPrivate));
           s.done.Open();
           s.end.Pass();
         });
         s.done.Pass();
       },
       {{"charged", &Parent::Charged, Gt(0_B)},
        Difference("map one of each kind.accounted", "charged",
                   kDontFork.count),
        Difference("accounted", "charged", 0),
        Size("wiped", kWiped)}},
      {"unmap in the child",
       [](Parent& s) {
         s.unmap.Open();
         s.done.Pass();
       },
       {Change("charged", &Parent::Charged, 0_B - kPrivate)}},
      {"end the child",
       [](Parent& s) {
         s.end.Open();
         Reap(s.child);
       },
       {{"charged", &Parent::Charged, 0_B}}},
      {"vfork",
       [](Parent& s) {
         // Written by the child, while the parent waits for it.
         const pid_t child = Must(s.trace, "vfork", vfork());
         if (child == 0) {
           s.Set("in child", s.Charged());
           _exit(0);
         }
         Reap(child);
       },
       {Size("in child", 0_B), {"charged", &Parent::Charged, 0_B}}},
      {"fork ten",
       [](Parent& s) {
         for (pid_t& one : s.ten) one = StartChild(s.trace, WaitForever);
       },
       {{"charged", &Parent::Charged, Gt(0_B)},
        Percent("charged", "fork.charged", 1000.0)}},
      {"kill the ten",
       [](Parent& s) {
         for (const pid_t one : s.ten) EndChild(one);
       },
       {{"charged", &Parent::Charged, 0_B}}},
  };
}

const Register kCommitCharge{
    {.id = "fork/commit_charge",
     .summary = "a child is charged for each accounted mapping that it copies",
     .claim = "Seed 2: fork checks and charges each VMA in dup_mmap",
     .functions = "dup_mmap, vm_acct_memory, vm_unacct_memory, exit_mmap",
     .look_at = "accounted less charged must be the DONTFORK mapping",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .steps = Make,
     .metrics = {Metric::Size("charged_after", "end the child.charged")}}};

}  // namespace
}  // namespace oomgate
