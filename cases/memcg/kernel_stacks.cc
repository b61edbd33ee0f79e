// SPDX-License-Identifier: Apache-2.0
// Every thread has a kernel stack that is charged to its cgroup, and is given
// back as it ends, or where fork is refused. Without end they fill the box.
#include "cases/memcg/groups.h"
#include "oomgate/threads.h"

namespace oomgate {
namespace {

constexpr int kThreads = 64;
constexpr Bytes kStack = 16_KiB;  // THREAD_SIZE of x86-64

struct Stacks : Scene {
  Group box{f};
  std::optional<IdleThreads<kThreads>> threads = {};
  // The subject was charged elsewhere before it entered the box.
  Bytes before = OnceHolds(
      5000, [&] { return Told(); }, [](Bytes now) { return now == 0_B; });

  void Start() { threads.emplace(trace, 64_KiB); }
  void End() { threads.reset(); }
  Bytes Told() const { return Bytes{box.Field("memory.stat", "kernel_stack")}; }
  Bytes Machine() const { return Meminfo("KernelStack"); }
  Bytes More() const { return Told() - before; }
};

// A fork beyond RLIMIT_NPROC has its stack by the time it is refused; root's
// would not be.
int RefuseForks(Stacks& s) {
  return RunChild(s.trace, [&] {
    const rlimit limit{1, 1};
    Must(s.trace, "setrlimit", setrlimit(RLIMIT_NPROC, &limit));
    if (geteuid() == 0) Must(s.trace, "setuid of nobody", setuid(65534));
    for (int i = 0; i < kThreads; ++i) {
      s.trace.Add("refused", TryFork() == EAGAIN ? 1 : 0);
    }
  });
}

// Not processes, which need tables and more besides.
void StartWithoutEnd(Stacks& s) {
  Gate gate(s.trace);
  auto wait = [&] { gate.Pass(); };
  for (;; s.trace.Add("started", 1)) StartThread(s.trace, wait, kLeastStack);
}

Steps<Stacks> Make(const Params& p, const Facts& f) {
  if (p["threads"] == "all") {
    // A stack, a task of about 9 KiB, and a page or two in user space.
    return {{"start threads without end", StartWithoutEnd, OomKilled(),
             OomVictimIsSubject(), OomConstraint("CONSTRAINT_MEMCG"),
             Count("started", Between(f.box / 48_KiB, f.box / kStack))}};
  }
  return {{"start 64 threads", &Stacks::Start,
           Is("before", &Stacks::before, About(f, 0_B)),
           Soon("grown", &Stacks::More, About(f, kThreads * kStack)),
           Change("machine", &Stacks::Machine, Ge(kThreads * kStack))},
          // Before the threads end: what a fork keeps may be told of late, but
          // not later than what they give back.
          {"have 64 forks refused in a child", RefuseForks,
           Count("refused", kThreads)},
          {"end the threads", &Stacks::End,
           Soon("left", &Stacks::More, About(f, 0_B)), Count("oom_kills", 0)}};
}

const Register kKernelStacks{
    {.id = "memcg/kernel_stacks",
     .summary = "n threads charge n kernel stacks, and give them back",
     .claim = "Seed 0: kernel stacks of threads are the other hidden cost",
     .functions = "memcg_charge_kernel_stack, exit_task_stack_account",
     .blast = Blast::kCgroup,
     .needs = {.memory = 16_MiB, .cgroup = 2, .kernel_log = true},
     .params = {{"threads", {"64", "all"}}},
     .steps = Make,
     .metrics = {Metric::Count("started", "start threads without end.started")
                     .HigherIsBetter()
                     .Within(64, "slab pages of tasks")}}};

}  // namespace
}  // namespace oomgate
