// SPDX-License-Identifier: Apache-2.0
// What the kernel keeps for a process is charged to its group: mappings, open
// files, tasks and messages, each by its size in /sys/kernel/slab, and the
// pages of pipes.
#include <sys/eventfd.h>
#include <sys/msg.h>

#include <optional>

#include "cases/memcg/groups.h"
#include "oomgate/threads.h"

namespace oomgate {
namespace {

constexpr int kMappings = 4000;
constexpr int kFiles = 2000;
constexpr int kThreads = 100;
constexpr int kPipes = 64;
constexpr int kQueues = 100;
constexpr int kMessages = 2 * kQueues;
// A message is a chain of pages; less than two of them, with their headers.
constexpr int kText = 8100;
constexpr Bytes kPipe = 64_KiB;  // what fits into one
constexpr int kHighestFile = (256 << 10) - 1;
constexpr Bytes kTable = (kHighestFile + 1) * 8_B;

struct Process : Scene {
  OwnGroup group{trace, f};
  Range mappings = MapAnonymous(trace, kMappings* kPage, {.prot = PROT_NONE});
  int files[kFiles] = {};
  int queues[kQueues] = {};
  int pipes[kPipes][2] = {};
  std::optional<IdleThreads<kThreads>> threads = {};
  Bytes start = {};
  bool warm = WarmUp(*this);

  // Once for what is made for all objects, tables above all.
  static bool WarmUp(Process& s);
  Bytes Slab() const {
    return Bytes{group.Field("memory.stat", "slab_unreclaimable")};
  }
  Bytes MoreSlab() const { return Slab() - start; }

  Bytes Pages() const { return Bytes{group.Number("memory.current")}; }
  Bytes MorePages() const { return Pages() - start; }
  void FillPipes() {
    static char full[kPipe.count];
    start = OnceStill([&] { return Pages(); });
    for (auto& ends : pipes) {
      Must(trace, "pipe", pipe2(ends, O_CLOEXEC));
      Must(trace, "write to a pipe", write(ends[1], full, sizeof full));
    }
  }
  void ClosePipes() const {
    for (const auto& ends : pipes) {
      close(ends[0]);
      close(ends[1]);
    }
  }
};

void Mappings(Process& s, bool make) {
  if (!make) Protect(s.trace, s.mappings, PROT_NONE);
  for (int i = 0; make && i < kMappings; i += 2) {
    Protect(s.trace, s.mappings.Part(i * kPage, kPage), PROT_READ);
  }
}

void Files(Process& s, bool make) {
  for (int& file : s.files) {
    if (!make) close(file);
    if (make) file = Must(s.trace, "eventfd", eventfd(0, EFD_CLOEXEC));
  }
}

void Threads(Process& s, bool make) {
  s.threads.reset();
  if (make) s.threads.emplace(s.trace);
}

void Messages(Process& s, bool make) {
  static struct {
    long type = 1;
    char text[kText] = {};
  } message;
  for (int& queue : s.queues) {
    if (!make) msgctl(queue, IPC_RMID, nullptr);
    if (make) queue = Must(s.trace, "msgget", msgget(IPC_PRIVATE, 0600));
    for (int i = 0; make && i < kMessages / kQueues; ++i) {
      Must(s.trace, "msgsnd", msgsnd(queue, &message, kText, IPC_NOWAIT));
    }
  }
}

// Makes things, so many that the kernel's own for all of them together is told
// apart from what comes by the way; or takes them back.
struct Kind {
  std::string name;
  const char* caches[2];
  int count;
  Bytes more;  // at most, of each, in other caches
  void (*make)(Process&, bool make);
};

const Kind kKinds[] = {
    {"mappings", {"vm_area_struct", "vma_lock"}, kMappings, 8_B, Mappings},
    {"files", {"filp", nullptr}, kFiles, 8_B, Files},
    {"threads", {"task_struct", nullptr}, kThreads, 1_KiB, Threads},
    {"messages", {"kmalloc-4k", "kmalloc-4k"}, kMessages, 512_B, Messages}};

bool Process::WarmUp(Process& s) {
  const rlimit many = {kHighestFile + 1, kHighestFile + 1};
  Must(s.trace, "setrlimit", setrlimit(RLIMIT_NOFILE, &many));
  for (const Kind& kind : kKinds) {
    kind.make(s, true);
    kind.make(s, false);
  }
  return true;
}

// What an object of a cache takes with a pointer to whose it is; 0 B where
// there is no such cache. Merged caches are links there, other than in
// /proc/slabinfo.
Bytes ChargeOf(const char* cache) {
  if (cache == nullptr) return 0_B;
  const KernelFolder folder(
      KernelFolder("/sys/kernel/slab").PathOf(cache).text);
  const std::int64_t size = folder.Number("slab_size");
  return size > 0 ? Bytes{size} + 8_B : 0_B;
}
Bytes AllOfKind(const Kind& kind) {
  return kind.count * (ChargeOf(kind.caches[0]) + ChargeOf(kind.caches[1]));
}

// A difference of two numbers that each may be off; and a CPU keeps up to a
// page of objects to itself (memcg_stock_pcp.nr_slab_unreclaimable_b).
Bytes Error(const Facts& f) { return 2 * StatError(f) + f.cpus * kPage; }
// Of all of a kind, what may be charged above their own size, and stay longer.
Bytes Slack(const Kind& kind, const Facts& f) {
  return kind.count * kind.more + Error(f);
}

Steps<Process> StepsOf(const Kind& kind, const Facts& f) {
  const Bytes error = Error(f);
  const Bytes slack = Slack(kind, f);
  // What a kind before has left may be given back meanwhile.
  Bytes below;
  for (const Kind& one : kKinds) below = std::max(below, Slack(one, f) + error);
  const auto make = [=](Process& s) {
    s.start = OnceStill([&] { return s.Slab(); });
    kind.make(s, true);
    const Bytes all = AllOfKind(kind);
    s.Set("all", all);
    s.Set("grown", OnceHolds(
                       5000, [&] { return s.MoreSlab(); },
                       [&](Bytes now) { return now >= all - error; }));
  };
  const auto release = [=](Process& s) { kind.make(s, false); };
  return {{"make " + std::to_string(kind.count) + " " + kind.name, make,
           Size("all", Ge(kind.count * 64_B)),
           Difference("grown", "all", Between(-below.count, slack.count))},
          {"take back the " + kind.name, release,
           Soon("left", &Process::MoreSlab, Le(slack))}};
}

// What is too large for any cache comes from the pages themselves. In a process
// of its own: a table of files never shrinks.
int OpenTheHighestFile(Process& s) {
  return RunChild(s.trace, [&] {
    const Bytes start = OnceStill([&] { return s.Pages(); });
    Must(s.trace, "dup2", dup2(0, kHighestFile));
    s.Set("grown", s.Pages() - start);
  });
}

Steps<Process> Make(const Params&, const Facts& f) {
  const Bytes stock = ChargeStock(f);
  Steps<Process> steps{
      {"fill 64 pipes", &Process::FillPipes,
       Is("grown", &Process::MorePages,
          Between(kPipes * kPipe - stock, kPipes * (kPipe + 2_KiB) + stock))},
      {"close them", &Process::ClosePipes,
       Soon("left", &Process::MorePages, Le(512_KiB))},
      // A pointer for each, and two bits and a little.
      {"open file 262143 in a child", OpenTheHighestFile,
       Size("grown", Between(kTable - stock, kTable * 5 / 4 + stock))},
  };
  for (const Kind& kind : kKinds) {
    for (const auto& step : StepsOf(kind, f)) steps.push_back(step);
  }
  return steps;
}

std::string Probe(const Params&, const Facts&) {
  return ChargeOf("vm_area_struct") > 0_B
             ? ""
             : "no sizes of kernel objects in /sys/kernel/slab";
}

const Register kKernelObjects{
    {.id = "memcg/kernel_objects",
     .summary =
         "mappings, files, tasks, messages and pipes are charged by size",
     .claim = "Documentation/admin-guide/cgroup-v2: kernel data structures; "
              "seed 1: what uses memory",
     .functions =
         "vm_area_alloc, alloc_empty_file, alloc_task_struct_node, alloc_msg, "
         "pipe_write, alloc_fdtable, kmalloc_large, memcg_slab_post_alloc_hook",
     .look_at = "grown against all: by their number and size",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
