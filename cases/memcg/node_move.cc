// SPDX-License-Identifier: Apache-2.0
// A page that moves to another node takes its charge along: its group has as
// much as before, on that node, and gives all of it back in the end.
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cases/memcg/stat.h"

namespace oomgate {
namespace {

constexpr int kPages = 1000;  // of either kind
constexpr Bytes kSize = kPages * kPage;
constexpr Bytes kOwn = 32 * kPage;  // the child's stack and data
constexpr int kTries = 5;
constexpr int kFolded = 5000;

// "anon N0=4096 N1=0": what memory.numa_stat says of a node.
std::int64_t OnNode(const Group& group, const char* field, int node) {
  char path[256];
  std::snprintf(path, sizeof path, "%s/memory.numa_stat", group.folder());
  static char text[8192];
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return -1;
  text[length] = '\0';
  char key[32];
  std::snprintf(key, sizeof key, "\n%s ", field);
  // The first field is "anon", at the very start.
  const char* at = std::strncmp(text, key + 1, std::strlen(key + 1)) == 0
                       ? text
                       : std::strstr(text, key);
  if (at == nullptr) return -1;
  std::snprintf(key, sizeof key, " N%d=", node);
  at = std::strstr(at, key);
  return at == nullptr ? -1 : std::atoll(at + std::strlen(key));
}

// Until all are there: a page that somebody looks at in that moment stays.
void Move(const Range& range) {
  static void* at[kPages];
  static int nodes[kPages];
  static int status[kPages];
  for (int i = 0; i < kPages; ++i) {
    at[i] = range.start + i * kPage.count;
    nodes[i] = 1;
  }
  for (int i = 0; i < kTries && PagesOnNode(range, 1) < kPages; ++i) {
    syscall(SYS_move_pages, 0, static_cast<long>(kPages), at, nodes, status,
            MPOL_MF_MOVE);
  }
}

void Leave(Trace& trace, const Group& group, const char* when) {
  const auto set = [&](const char* what, std::int64_t number) {
    char name[48];
    std::snprintf(name, sizeof name, "%.20s.%.24s", when, what);
    trace.Set(name, number);
  };
  set("current", group.Number("memory.current"));
  for (const char* field : {"anon", "shmem"}) {
    set(field, group.Field("memory.stat", field));
    char name[16];
    for (int node = 0; node < 2; ++node) {
      std::snprintf(name, sizeof name, "%s%d", field, node);
      set(name, OnNode(group, field, node));
    }
  }
  RefreshVmstat();
  set("machine0", NodeMeminfo(0, "Shmem").count);
  set("machine1", NodeMeminfo(1, "Shmem").count);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  // Where memory comes from.
  RunOnCpu(trace, 0);
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  Gate done(trace);
  Gate go(trace);
  const pid_t child = StartChildIn(trace, group, [&] {
    const Range anon = MapAnonymous(trace, kSize);
    MapOptions options;
    options.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
    const Range shared = MapAnonymous(trace, kSize, options);
    WritePages(trace, anon);
    WritePages(trace, shared);
    done.Open();
    go.Pass();
    Move(anon);
    Move(shared);
    trace.Set("moved.anon", PagesOnNode(anon, 1));
    trace.Set("moved.shared", PagesOnNode(shared, 1));
    trace.Set("wrong_bytes", CountOther(anon, 1) + CountOther(shared, 1));
    done.Open();
    go.Pass();
  });
  const auto await = [&](int node) {
    HoldsWithin(kFolded, [&] {
      return Near(f, OnNode(group, "shmem", node), kSize) &&
             OnNode(group, "anon", node) >= (kSize - StatError(f)).count;
    });
  };
  done.Pass();
  await(0);
  Leave(trace, group, "before");
  go.Open();
  done.Pass();
  await(1);
  Leave(trace, group, "after");
  go.Open();
  Reap(child);
  HoldsWithin(kFolded, [&] {
    return group.Number("memory.current") <= (512_KiB).count &&
           Near(f, OnNode(group, "anon", 1), 0_B) &&
           Near(f, OnNode(group, "shmem", 1), 0_B);
  });
  Leave(trace, group, "left");
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes error = StatError(f);
  const Bytes stock = 64 * f.cpus * kPage;
  const auto anon = [&](const char* name, Bytes size) {
    return Size(name, Between(size - error, size + kOwn + error));
  };
  const Bytes most = 2 * kSize + 96 * kPage + stock;
  return AllOf(
      AllOf(Survives(), Count("moved.anon", Eq(kPages)),
            Count("moved.shared", Eq(kPages)), Count("wrong_bytes", Eq(0))),
      AllOf(anon("before.anon", kSize), anon("before.anon0", kSize),
            anon("before.anon1", 0_B), Told(f, "before.shmem", kSize),
            Told(f, "before.shmem0", kSize), Told(f, "before.shmem1", 0_B),
            Size("before.current", Between(2 * kSize, most))),
      AllOf(anon("after.anon", kSize), anon("after.anon0", 0_B),
            anon("after.anon1", kSize), Told(f, "after.shmem", kSize),
            Told(f, "after.shmem0", 0_B), Told(f, "after.shmem1", kSize),
            Size("after.current", Between(2 * kSize, most))),
      AllOf(Told(f, "left.anon", 0_B), Told(f, "left.shmem", 0_B),
            Told(f, "left.anon1", 0_B), Told(f, "left.shmem1", 0_B),
            Size("left.current", Le(512_KiB))),
      Difference("before.machine0", "after.machine0", Eq(kSize.count)),
      Difference("after.machine1", "before.machine1", Eq(kSize.count)),
      Difference("after.machine1", "left.machine1", Eq(kSize.count)));
}

const Register kNodeMove{
    {.id = "memcg/node_move",
     .summary = "a moved page stays charged to its group, on its new node",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: "
                           "memory.numa_stat; seed 1 (NUMA): move_migrate",
                  .deed = "in a group of its own, writes 1000 anonymous and "
                          "1000 shared pages on node 0 and moves them all",
                  .functions = "migrate_folio, migrate_page_states, "
                               "mem_cgroup_migrate, folio_migrate_mapping",
                  .look_at = "after.* against before.*: memory.stat, its part "
                             "on each node, memory.current"},
     .blast = Blast::kCgroup,
     .needs =
         {.memory = 64_MiB, .cpus = 2, .nodes = 2, .cgroup = 2, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
