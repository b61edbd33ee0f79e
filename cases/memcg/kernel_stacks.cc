// SPDX-License-Identifier: Apache-2.0
// Every thread has a kernel stack that is charged to its cgroup: n threads are
// n stacks, given back as they end, and at once where fork is refused; without
// end they fill the box.
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cases/memcg/stat.h"

namespace oomgate {
namespace {

constexpr int kThreads = 64;
constexpr Bytes kStack = 16_KiB;  // THREAD_SIZE of x86-64
constexpr int kSettle = 5000;     // milliseconds; statistics are flushed late

char stat_path[256];

Bytes Stacks() { return Bytes{FieldIn(stat_path, "kernel_stack")}; }

// Waits for that number, as long as statistics may take; what it is then.
Bytes Await(Bytes expected) {
  Bytes now = Stacks();
  for (int i = 0; i < kSettle / 10 && now != expected; ++i) {
    poll(nullptr, 0, 10);
    now = Stacks();
  }
  return now;
}

Gate* gate = nullptr;
void* WaitAtGate(void*) {
  gate->Pass();
  return nullptr;
}

// A fork beyond RLIMIT_NPROC has its stack by the time it is refused; root's
// would not be.
void RefuseForks(Trace& trace) {
  constexpr uid_t kNobody = 65534;
  const rlimit limit{1, 1};
  if (setrlimit(RLIMIT_NPROC, &limit) != 0) trace.Stop("setrlimit", errno);
  if (geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) {
    trace.Stop("setresuid", errno);
  }
  for (int i = 0; i < kThreads; ++i) {
    trace.Add("refused", TryFork() == EAGAIN ? 1 : 0);
  }
}

void Count(Trace& trace) {
  static pthread_t threads[kThreads];
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 << 10);
  // The subject was charged elsewhere before it entered the box.
  const Bytes before = Await(0_B);
  const Bytes machine = Meminfo("KernelStack");
  for (pthread_t& one : threads) {
    const int error = pthread_create(&one, &small, WaitAtGate, nullptr);
    if (error != 0) trace.Stop("pthread_create", error);
  }
  trace.Set("grown", Await(before + kThreads * kStack) - before);
  trace.Set("machine_grown", Meminfo("KernelStack") - machine);
  // Before the threads end: what a fork keeps may be told of late, but not
  // later than what they give back.
  trace.Set("refused_status",
            Reap(StartChild(trace, [&] { RefuseForks(trace); })));
  for (int i = 0; i < kThreads; ++i) gate->Open();
  for (const pthread_t one : threads) pthread_join(one, nullptr);
  trace.Set("left", Await(before) - before);
  trace.Set("before", before);
}

// Processes need tables and more besides; threads that share all of it are
// mostly kernel stack. Children, so that what is killed is one of them.
void Fill(Trace& trace) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16 << 10);
  std::atomic<std::int64_t>& started = trace.Counter("started");
  for (;;) {
    pthread_t one;
    const int error = pthread_create(&one, &small, WaitAtGate, nullptr);
    if (error != 0) trace.Stop("pthread_create", error);
    started.fetch_add(1);
  }
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  std::snprintf(stat_path, sizeof stat_path, "%s/memory.stat",
                f.box_folder.c_str());
  Gate passes(trace);
  gate = &passes;
  if (p["threads"] == "64") {
    Count(trace);
  } else {
    Fill(trace);
  }
}

Oracle Expect(const Params& p, const Facts& f) {
  if (p["threads"] == "64") {
    return AllOf(Survives(), Told(f, "before", 0_B),
                 Told(f, "grown", kThreads * kStack), Told(f, "left", 0_B),
                 oomgate::Count("refused_status", Eq(0)),
                 oomgate::Count("refused", Eq(kThreads)),
                 Size("machine_grown", Ge(kThreads * kStack)),
                 oomgate::Count("oom_kills", Eq(0)));
  }
  // A stack, a task of about 9 KiB, and a page or two in user space.
  return AllOf(
      OomKilled(), OomVictimIsSubject(), OomConstraint("CONSTRAINT_MEMCG"),
      oomgate::Count("started", Between(f.box / 48_KiB, f.box / kStack)));
}

const Register kKernelStacks{
    {.id = "memcg/kernel_stacks",
     .summary = "n threads charge n kernel stacks, and give them back",
     .explains =
         {.claim = "Seed 0: kernel stacks of threads are the other hidden cost",
          .deed = "starts 64 threads in the box, has 64 more forks refused by "
                  "RLIMIT_NPROC, ends the threads; or starts them without end",
          .functions = "memcg_charge_kernel_stack, account_kernel_stack, "
                       "exit_task_stack_account, copy_process",
          .look_at =
              "grown against 64 stacks; left is what threads keep that ended, "
              "or forks that were refused; as `all` surviving beyond a "
              "stack a thread says that stacks are not charged"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 16_MiB, .cgroup = 2, .kernel_log = true},
     .params = {{"threads", {"64", "all"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "started",
                  .better = Better::kHigher,
                  .kind = Kind::kBounded,
                  .tolerance = 64,
                  .cause = "slab pages of tasks"}}}};

}  // namespace
}  // namespace oomgate
