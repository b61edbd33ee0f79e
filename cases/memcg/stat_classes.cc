// SPDX-License-Identifier: Apache-2.0
// memory.stat tells what a group's memory is, by class and to the byte, while
// it grows and after it went.
#include "cases/memcg/groups.h"

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

// The fields, and what reclaim finds of memory that swap is there for.
struct Stat {
  std::int64_t of[kCount] = {};
  std::int64_t listed = 0;
};

struct Classes : Scene {
  OwnGroup group{trace, f};
  Range anon = {};
  Range shmem = {};
  int file = -1;
  Stat before = WarmUp();

  Stat Read() const {
    Stat stat;
    for (int i = 0; i < kCount; ++i) {
      stat.of[i] = group.Field("memory.stat", kFields[i]);
    }
    for (const char* list : {"inactive_anon", "active_anon", "unevictable"}) {
      stat.listed += group.Field("memory.stat", list);
    }
    return stat;
  }
  // Reads until nothing changes any more that is folded in late.
  Stat Settled(const Stat& from, const Stat& expected) const {
    return OnceHolds(
        kFolded, [&] { return Read(); },
        [&](const Stat& now) {
          for (int i = 0; i < kCount - 1; ++i) {
            if (!Near(f, now.of[i] - from.of[i], Bytes{expected.of[i]}))
              return false;
          }
          return true;
        });
  }
  void Report(const Stat& expected) const {
    const Stat now = Settled(before, expected);
    for (int i = 0; i < kCount; ++i) Set(kFields[i], now.of[i] - before.of[i]);
    Set("listed", now.listed - before.listed);
  }
  void Churn() const {
    const Range range = MapAnonymous(trace, kChurn);
    WritePages(trace, range);
    Unmap(trace, range);
  }
  // All that touches pages of its own when it is first done.
  Stat WarmUp() const {
    MapCode();
    char stack[64 << 10];  // as deep as any call may come
    WritePages(trace, {.start = stack, .size = Bytes{sizeof stack}});
    ReadUsage();
    ByNode();
    Churn();
    Churn();
    poll(nullptr, 0, f.kernel >= KernelVersion{5, 15} ? 2500 : 0);
    Settled(Read(), {});
    return Read();
  }
  // memory.numa_stat tells the same by node: how many of its lines there are,
  // and how far all of them together are from memory.stat.
  struct Nodes {
    std::int64_t lines = 0;
    std::int64_t apart = 0;
  };
  Nodes ByNode() const {
    static char text[4096];
    const int stat =
        open(group.PathOf("memory.numa_stat").text, O_RDONLY | O_CLOEXEC);
    const ssize_t length = read(stat, text, sizeof text - 1);
    close(stat);
    text[std::max<ssize_t>(length, 0)] = '\0';
    Nodes nodes;
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
      ++nodes.lines;
      nodes.apart += std::llabs(sum - whole);
    }
    return nodes;
  }
};

void Grow(Classes& c) {
  const Bytes start = ReadUsage().page_tables;
  c.anon = MapAnonymous(c.trace, kAnon);
  WritePages(c.trace, c.anon);
  Lock(c.trace, c.anon.Part(0_B, kLocked));
  c.shmem = MapAnonymous(c.trace, kShmem,
                         {.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE});
  WritePages(c.trace, c.shmem);
  c.file = MakeMemfd(c.trace);
  if (pwrite(c.file, c.anon.start, Length(kFile), 0) != kFile.count) {
    c.trace.Stop("write to a memfd", errno);
  }
  c.Churn();
  c.Set("tables", ReadUsage().page_tables - start);
}

void Grown(Classes& c) {
  // "pagetables" came with 5.11.
  const bool tables = c.f.kernel >= KernelVersion{5, 11};
  c.Report({{kAnon.count, (kShmem + kFile).count, (kShmem + kFile).count,
             tables ? c.trace.Counter("tables").load() : 0, kShmem.count,
             kLocked.count}});
  const Classes::Nodes nodes = c.ByNode();
  c.Set("lines by node", nodes.lines);
  c.Set("apart by node", nodes.apart);
}

Steps<Classes> Make(const Params&, const Facts& f) {
  // The rule for tables has a case of its own: memcg/pt_charged.
  const std::int64_t tables = (kAnon + kShmem + kShmem) / kHugePage;
  const std::int64_t faults = (kAnon + kShmem + kChurn) / kPage;
  // Before 5.13 some of the earlier ones are told only now.
  const std::int64_t most =
      f.kernel < KernelVersion{5, 13} ? 2 * faults : faults + 4;
  // Pages wait for their list in batches of up to 31 on each CPU.
  const Bytes waiting = 2 * 32 * f.cpus * kPage + 3 * StatError(f);
  const auto listed = [=](Bytes size) {
    return Size("listed", Between(size - waiting, size + waiting));
  };
  return {
      {"write, lock, share, fill a memfd",
       Grow,
       {{Grown,
         AllOf(Told(f, "anon", kAnon), Told(f, "file", kShmem + kFile),
               Told(f, "shmem", kShmem + kFile), Told(f, "file_mapped", kShmem),
               Told(f, "unevictable", kLocked),
               Count("pgfault", Between(faults, most)),
               listed(kAnon + kShmem + kFile),
               Size("tables", Ge(tables * kPage)),
               Count("lines by node", Ge(10)),
               Size("apart by node", Le(16 * kPage)))}}},
      {"close and unmap all",
       [](Classes& c) {
         close(c.file);
         Unmap(c.trace, c.anon);
         Unmap(c.trace, c.shmem);
         c.Churn();
       },
       {{[](Classes& c) { c.Report({}); },
         AllOf(listed(0_B), Told(f, "anon", 0_B), Told(f, "file", 0_B),
               Told(f, "shmem", 0_B), Told(f, "file_mapped", 0_B),
               Told(f, "unevictable", 0_B), Told(f, "pagetables", 0_B))}}},
  };
}

const Register kStatClasses{
    {.id = "memcg/stat_classes",
     .summary = "memory.stat: anon, file, shmem, tables, locked, to the byte",
     .claim = "Seed 1: observing memory; Documentation/admin-guide/cgroup-v2: "
              "memory.stat breaks the footprint down by type",
     .functions = "__mod_lruvec_state, __mod_memcg_lruvec_state, "
                  "mod_memcg_state, count_memcg_events",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .steps = Make,
     .metrics = {
         Metric::Size("grown.anon", "write, lock, share, fill a memfd.anon")
             .EitherWay()}}};

}  // namespace
}  // namespace oomgate
