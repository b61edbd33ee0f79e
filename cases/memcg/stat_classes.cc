// SPDX-License-Identifier: Apache-2.0
// memory.stat tells what a group's memory is, by class and to the byte, while
// it grows and after it went.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cases/memcg/stat.h"
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kAnon = 3_MiB;
constexpr Bytes kShmem = 2_MiB;
constexpr Bytes kFile = 1_MiB;  // unmapped, written to a memfd
constexpr Bytes kLocked = 512_KiB;
// More than 64 updates a CPU make the next reader fold them (memcontrol.c,
// memcg_rstat_updated); a rest would wait for 2 s.
constexpr Bytes kChurn = 2_MiB;
constexpr int kFolded = 5000;

constexpr const char* kFields[] = {"anon",       "file",        "shmem",
                                   "pagetables", "file_mapped", "unevictable",
                                   "pgfault"};
constexpr int kCount = 7;

struct Stat {
  std::int64_t of[kCount];
};

Stat Read(const Group& group) {
  Stat stat = {};
  for (int i = 0; i < kCount; ++i) {
    stat.of[i] = group.Field("memory.stat", kFields[i]);
  }
  return stat;
}

// What reclaim finds of memory that swap is there for.
std::int64_t Listed(const Group& group) {
  std::int64_t listed = 0;
  for (const char* list : {"inactive_anon", "active_anon", "unevictable"}) {
    listed += group.Field("memory.stat", list);
  }
  return listed;
}

// Reads until nothing changes any more that is folded in late.
void Report(Trace& trace, const Facts& f, const Group& group, const char* when,
            const Stat& before, std::int64_t listed, const Stat& expected) {
  Stat now = {};
  HoldsWithin(kFolded, [&] {
    now = Read(group);
    for (int i = 0; i < kCount - 1; ++i) {
      if (!Near(f, now.of[i] - before.of[i], Bytes{expected.of[i]}))
        return false;
    }
    return true;
  });
  for (int i = 0; i < kCount; ++i) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", when, kFields[i]);
    trace.Set(name, now.of[i] - before.of[i]);
  }
  char name[48];
  std::snprintf(name, sizeof name, "%s.listed", when);
  trace.Set(name, Listed(group) - listed);
}

void Churn(Trace& trace) {
  const Range range = MapAnonymous(trace, kChurn);
  WritePages(trace, range);
  Unmap(trace, range);
}

// memory.numa_stat tells the same by node: how many of its lines there are, and
// how far all of them together are from memory.stat.
void ByNode(Trace& trace, const Group& group) {
  static char text[4096];
  std::snprintf(text, sizeof text, "%s/memory.numa_stat", group.folder());
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  text[std::max<ssize_t>(length, 0)] = '\0';
  std::int64_t lines = 0;
  std::int64_t apart = 0;
  char* next = text;
  // "slab_reclaimable N0=4096 N1=0"
  while (char* line = strsep(&next, "\n")) {
    const char* const key = strsep(&line, " ");
    const std::int64_t whole = group.Field("memory.stat", key);
    if (line == nullptr || whole < 0) continue;
    std::int64_t sum = 0;
    while (const char* node = strsep(&line, " ")) {
      const char* const value = std::strchr(node, '=');
      if (value != nullptr) sum += std::atoll(value + 1);
    }
    ++lines;
    apart += std::llabs(sum - whole);
  }
  trace.Set("by_node.lines", lines);
  trace.Set("by_node.apart", apart);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Enter(trace);
  const bool tables = f.kernel >= KernelVersion{5, 11};
  ByNode(trace, group);  // touches pages of its own
  Churn(trace);
  Churn(trace);
  poll(nullptr, 0, f.kernel >= KernelVersion{5, 15} ? 2500 : 0);
  // The first report touches pages of its own.
  Report(trace, f, group, "grown", Read(group), 0, {});
  const Stat before = Read(group);
  const std::int64_t listed = Listed(group);
  const Usage start = ReadUsage();

  const Range anon = MapAnonymous(trace, kAnon);
  WritePages(trace, anon);
  if (mlock(anon.start, static_cast<std::size_t>(kLocked.count)) != 0) {
    trace.Stop("mlock", errno);
  }
  MapOptions shared;
  shared.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  const Range shmem = MapAnonymous(trace, kShmem, shared);
  WritePages(trace, shmem);
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  if (pwrite(file, anon.start, static_cast<std::size_t>(kFile.count), 0) !=
      kFile.count) {
    trace.Stop("write to a memfd", errno);
  }
  Churn(trace);
  const Bytes grown = ReadUsage().page_tables - start.page_tables;
  trace.Set("table_growth", grown);
  Report(trace, f, group, "grown", before, listed,
         {{kAnon.count, (kShmem + kFile).count, (kShmem + kFile).count,
           tables ? grown.count : 0, kShmem.count, kLocked.count, 0}});

  ByNode(trace, group);
  close(file);
  Unmap(trace, anon);
  Unmap(trace, shmem);
  Churn(trace);
  Report(trace, f, group, "left", before, listed, {});
  box.self().Enter(trace);
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  // The rule for tables has a case of its own: memcg/pt_charged.
  const std::int64_t tables = (kAnon + kShmem + kShmem) / kHugePage;
  const std::int64_t faults = (kAnon + kShmem + kChurn) / kPage;
  // Before 5.13 some of the earlier ones are told only now.
  const std::int64_t most =
      f.kernel < KernelVersion{5, 13} ? 2 * faults : faults + 4;
  // Pages wait for their list in batches of up to 31 on each CPU.
  const Bytes waiting = 2 * 32 * f.cpus * kPage + 3 * StatError(f);
  const auto listed = [=](Bytes size) {
    return Between(size - waiting, size + waiting);
  };
  return AllOf(
      Survives(), Told(f, "grown.anon", kAnon),
      Told(f, "grown.file", kShmem + kFile),
      Told(f, "grown.shmem", kShmem + kFile),
      Told(f, "grown.file_mapped", kShmem),
      Told(f, "grown.unevictable", kLocked),
      Count("grown.pgfault", Between(faults, most)),
      Size("grown.listed", listed(kAnon + kShmem + kFile)),
      Size("left.listed", listed(0_B)), Told(f, "left.anon", 0_B),
      Told(f, "left.file", 0_B), Told(f, "left.shmem", 0_B),
      Told(f, "left.file_mapped", 0_B), Told(f, "left.unevictable", 0_B),
      Told(f, "left.pagetables", 0_B), Size("table_growth", Ge(tables * kPage)),
      Count("by_node.lines", Ge(10)), Size("by_node.apart", Le(16 * kPage)));
}

const Register kStatClasses{
    {.id = "memcg/stat_classes",
     .summary = "memory.stat: anon, file, shmem, tables, locked, to the byte",
     .explains = {.claim = "Seed 1: observing memory; "
                           "Documentation/admin-guide/cgroup-v2: memory.stat "
                           "breaks the footprint down by type",
                  .deed = "as the only member of a group, writes anonymous, "
                          "shared and memfd pages, locks some, frees all",
                  .functions = "__mod_lruvec_state, __mod_memcg_lruvec_state, "
                               "mod_memcg_state, count_memcg_events",
                  .look_at = "grown.* are what was told of known amounts; "
                             "left.* what stayed after all was freed"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "grown.anon", .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
