// SPDX-License-Identifier: Apache-2.0
// What the kernel keeps for a process is charged to its group: mappings, open
// files, tasks and messages, each by its size in /sys/kernel/slab, and the
// pages of pipes.
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "cases/memcg/stat.h"

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
constexpr Bytes kOwner = 8_B;    // whose an object is, a pointer beside it
constexpr int kHighestFile = (256 << 10) - 1;
constexpr Bytes kTable = (kHighestFile + 1) * 8_B;
constexpr int kFolded = 3000;

// What an object of a cache takes with its owner; 0 B where there is no such
// cache. Merged caches are links there, other than in /proc/slabinfo.
Bytes ChargeOf(const char* cache) {
  char path[96];
  std::snprintf(path, sizeof path, "/sys/kernel/slab/%s/slab_size", cache);
  const std::int64_t size = NumberIn(path);
  return size > 0 ? Bytes{size} + kOwner : 0_B;
}

// Makes things, so many that the kernel's own for all of them together is told
// apart from what comes by the way; and takes them back.
struct Objects {
  const char* name;
  const char* caches[2];
  int count;
  Bytes more;  // at most, of each, in other caches
  void (*make)(Trace&);
  void (*release)();
};

Range mappings;
int files[kFiles];
pthread_t threads[kThreads];
Gate* gate = nullptr;

void MakeMappings(Trace& trace) {
  for (int i = 0; i < kMappings; i += 2) {
    if (mprotect(mappings.start + i * kPage.count,
                 static_cast<std::size_t>(kPage.count), PROT_READ) != 0) {
      trace.Stop("mprotect", errno);
    }
  }
}
void ReleaseMappings() {
  mprotect(mappings.start, static_cast<std::size_t>(mappings.size.count),
           PROT_NONE);
}

void MakeFiles(Trace& trace) {
  for (int& file : files) {
    file = eventfd(0, EFD_CLOEXEC);
    if (file < 0) trace.Stop("eventfd", errno);
  }
}
void ReleaseFiles() {
  for (const int file : files) close(file);
}

void* WaitAtGate(void*) {
  gate->Pass();
  return nullptr;
}
void MakeThreads(Trace& trace) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16 << 10);
  for (pthread_t& one : threads) {
    const int error = pthread_create(&one, &small, WaitAtGate, nullptr);
    if (error != 0) trace.Stop("pthread_create", error);
  }
}
void ReleaseThreads() {
  for (int i = 0; i < kThreads; ++i) gate->Open();
  for (const pthread_t one : threads) pthread_join(one, nullptr);
}

int queues[kQueues];

void MakeMessages(Trace& trace) {
  static struct {
    long type = 1;
    char text[kText] = {};
  } message;
  for (int& queue : queues) {
    queue = msgget(IPC_PRIVATE, 0600);
    for (int i = 0; i < kMessages / kQueues; ++i) {
      if (msgsnd(queue, &message, kText, IPC_NOWAIT) != 0) {
        trace.Stop("msgsnd", errno);
      }
    }
  }
}
void ReleaseMessages() {
  for (const int queue : queues) msgctl(queue, IPC_RMID, nullptr);
}

// A difference of two numbers that each may be off; and a CPU keeps up to a
// page of objects to itself (memcg_stock_pcp.nr_slab_unreclaimable_b).
Bytes Error(const Facts& f) { return 2 * StatError(f) + f.cpus * kPage; }

constexpr Objects kKinds[] = {
    {"mapping",
     {"vm_area_struct", "vma_lock"},
     kMappings,
     8_B,
     MakeMappings,
     ReleaseMappings},
    {"file", {"filp", nullptr}, kFiles, 8_B, MakeFiles, ReleaseFiles},
    {"thread",
     {"task_struct", nullptr},
     kThreads,
     1_KiB,
     MakeThreads,
     ReleaseThreads},
    {"message",
     {"kmalloc-4k", "kmalloc-4k"},  // it takes two
     kMessages,
     512_B,
     MakeMessages,
     ReleaseMessages}};

// Of all of a kind, what may be charged above their own size, and stay longer.
Bytes Slack(const Objects& kind, const Facts& f) {
  return kind.count * kind.more + Error(f);
}

const char* Name(const char* kind, const char* value) {
  static char name[48];
  std::snprintf(name, sizeof name, "%s.%s", kind, value);
  return name;
}

void Count(Trace& trace, const Facts& f, const Group& group) {
  const auto slab = [&] {
    return group.Field("memory.stat", "slab_unreclaimable");
  };
  for (const Objects& kind : kKinds) {
    Bytes size;
    for (const char* cache : kind.caches) {
      if (cache != nullptr) size += ChargeOf(cache);
    }
    const Bytes all = kind.count * size;
    trace.Set(Name(kind.name, "all"), all);
    const std::int64_t start = OnceStill(slab);
    kind.make(trace);
    HoldsWithin(kFolded,
                [&] { return slab() - start >= (all - Error(f)).count; });
    trace.Set(Name(kind.name, "grown"), slab() - start);
    kind.release();
    HoldsWithin(kFolded,
                [&] { return slab() - start <= Slack(kind, f).count; });
    trace.Set(Name(kind.name, "left"), slab() - start);
  }
}

void Pipes(Trace& trace, const Group& group) {
  static char full[kPipe.count];
  static int pipes[kPipes][2];
  const auto current = [&] { return group.Number("memory.current"); };
  const std::int64_t start = OnceStill(current);
  for (auto& ends : pipes) {
    if (pipe2(ends, O_CLOEXEC) != 0) trace.Stop("pipe", errno);
    if (write(ends[1], full, sizeof full) != kPipe.count) {
      trace.Stop("write to a pipe", errno);
    }
  }
  trace.Set("pipes.grown", current() - start);
  for (const auto& ends : pipes) {
    close(ends[0]);
    close(ends[1]);
  }
  HoldsWithin(kFolded, [&] { return current() - start <= (512_KiB).count; });
  trace.Set("pipes.left", current() - start);
}

// What is too large for any cache comes from the pages themselves. In a process
// of its own: a table of files never shrinks.
void Table(Trace& trace, const Group& group) {
  const auto current = [&] { return group.Number("memory.current"); };
  trace.Set("table.status", Reap(StartChild(trace, [&] {
              const std::int64_t start = OnceStill(current);
              if (dup2(0, kHighestFile) < 0) trace.Stop("dup2", errno);
              trace.Set("table.grown", current() - start);
            })));
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  const rlimit many = {kHighestFile + 1, kHighestFile + 1};
  if (setrlimit(RLIMIT_NOFILE, &many) != 0) trace.Stop("setrlimit", errno);
  Gate passes(trace);
  gate = &passes;
  trace.Set("status", Reap(StartChildIn(trace, group, [&] {
              MapOptions options;
              options.prot = PROT_NONE;
              mappings = MapAnonymous(trace, kMappings * kPage, options);
              // Once for what is made for all of them, tables above all.
              for (const Objects& kind : kKinds) {
                kind.make(trace);
                kind.release();
              }
              Pipes(trace, group);
              Table(trace, group);
              Count(trace, f, group);
            })));
  group.Remove(trace);
}

std::string Probe(const Params&, const Facts&) {
  return ChargeOf("vm_area_struct") > 0_B
             ? ""
             : "no sizes of kernel objects in /sys/kernel/slab";
}

Oracle Of(const Objects& kind, const Facts& f) {
  const std::string name = kind.name;
  // What a kind before has left may be given back meanwhile.
  Bytes most;
  for (const Objects& one : kKinds) most = std::max(most, Slack(one, f));
  const Bytes below = Error(f) + most;
  return AllOf(Size(name + ".all", Ge(kind.count * 64_B)),
               Difference(name + ".grown", name + ".all",
                          Between(-below.count, Slack(kind, f).count)),
               Size(name + ".left", Le(Slack(kind, f))));
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes stock = 64 * f.cpus * kPage;
  Oracle all = AllOf(
      Survives(), oomgate::Count("status", Eq(0)),
      Size("pipes.grown",
           Between(kPipes * kPipe - stock, kPipes * (kPipe + 2_KiB) + stock)),
      Size("pipes.left", Le(512_KiB)), oomgate::Count("table.status", Eq(0)),
      // A pointer for each, and two bits and a little.
      Size("table.grown", Between(kTable - stock, kTable * 5 / 4 + stock)));
  for (const Objects& kind : kKinds) all = AllOf(all, Of(kind, f));
  return all;
}

const Register kKernelObjects{
    {.id = "memcg/kernel_objects",
     .summary =
         "mappings, files, tasks, messages and pipes are charged by size",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: kernel data "
                           "structures; seed 1: what uses memory",
                  .deed = "in a group of its own, makes 4000 mappings, 2000 "
                          "open files, 100 threads, 200 messages of SysV and "
                          "64 full pipes, and takes each back; opens file "
                          "262143",
                  .functions = "vm_area_alloc, alloc_empty_file, "
                               "alloc_task_struct_node, alloc_msg, pipe_write, "
                               "alloc_fdtable, kmalloc_large, "
                               "memcg_slab_post_alloc_hook",
                  .look_at = "<kind>.grown against <kind>.all, by their number "
                             "and size"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
