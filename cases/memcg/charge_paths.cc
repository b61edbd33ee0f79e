// SPDX-License-Identifier: Apache-2.0
// Whatever makes a page of a process, it is charged, to that process's group:
// a copy of what another group or nobody pays for, a page read back from swap,
// a page that somebody else writes there. At the limit each of them kills.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cases/memcg/push_out.h"
#include "cases/memcg/stat.h"
#include "oomgate/userfaultfd.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 2_MiB;
constexpr Bytes kLimit = kSize / 2;
constexpr Bytes kOwn = 32 * kPage;     // the child's stack and data
constexpr Bytes kTables = 96 * kPage;  // and what the kernel has for it
constexpr int kFolded = 3000;

// What a child of the group works on.
struct Place {
  Range range = {};  // where it is done
  Range parents;     // written by the parent, in another group
  int file;          // a memfd that the parent wrote
  Group group;
};

// Writes to a process's memory by its file in /proc.
void WriteThrough(Trace& trace, const char* memory, const Range& range) {
  const int file = open(memory, O_WRONLY | O_CLOEXEC);
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    if (pwrite(file, "1", 1, reinterpret_cast<off_t>(at)) != 1) {
      trace.Stop("write to the memory of a process", errno);
    }
  }
  close(file);
}

// What is to be charged is made by `deed`; all before it belongs to others.
struct Path {
  const char* name;
  const char* counted;  // in memory.stat, as
  bool swap;
  void (*prepare)(Trace&, Place&);
  void (*deed)(Trace&, Place&);
};

void Map(Trace& trace, Place& place) {
  place.range = MapAnonymous(trace, kSize);
}

void Write(Trace& trace, Place& place) { WritePages(trace, place.range); }

constexpr Path kPaths[] = {
    {"zero_page", "anon", false,
     [](Trace& trace, Place& place) {
       Map(trace, place);
       ReadPages(trace, place.range);
     },
     Write},
    {"parents_page", "anon", false,
     [](Trace&, Place& place) { place.range = place.parents; }, Write},
    {"file_page", "anon", false,
     [](Trace& trace, Place& place) {
       place.range = MapFile(trace, place.file, kSize, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE);
     },
     Write},
    {"read_file_page", "anon", false,
     [](Trace& trace, Place& place) {
       place.range = MapFile(trace, place.file, kSize, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE);
       ReadPages(trace, place.range);
     },
     Write},
    {"own_mem_file", "anon", false,
     [](Trace& trace, Place& place) {
       place.range = MapFile(trace, place.file, kSize, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE);
     },
     [](Trace& trace, Place& place) {
       WriteThrough(trace, "/proc/self/mem", place.range);
     }},
    {"swapped_page", "anon", true,
     [](Trace& trace, Place& place) {
       Map(trace, place);
       WritePages(trace, place.range);
       PushOut(trace, place.group, place.range);
     },
     [](Trace& trace, Place& place) { ReadPages(trace, place.range); }},
    {"swapped_shared", "shmem", true,
     [](Trace& trace, Place& place) {
       MapOptions shared;
       shared.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
       place.range = MapAnonymous(trace, kSize, shared);
       WritePages(trace, place.range);
       PushOut(trace, place.group, place.range);
     },
     [](Trace& trace, Place& place) { ReadPages(trace, place.range); }},
};

const char* Name(const char* path, const char* value) {
  static char name[48];
  std::snprintf(name, sizeof name, "%.20s.%.24s", path, value);
  return name;
}

void Leave(Trace& trace, const Group& group, const char* path,
           const char* when) {
  char name[24];
  for (const char* field : {"anon", "shmem", "pgmajfault"}) {
    std::snprintf(name, sizeof name, "%s.%s", when, field);
    trace.Set(Name(path, name), group.Field("memory.stat", field));
  }
  std::snprintf(name, sizeof name, "%s.current", when);
  trace.Set(Name(path, name), group.Number("memory.current"));
}

void Counted(Trace& trace, const Facts& f, const OpenedBox& box,
             const Path& path, Place place) {
  place.group = box.Child("group");
  Gate ready(trace);
  Gate go(trace);
  const pid_t child = StartChildIn(trace, place.group, [&] {
    path.prepare(trace, place);
    ready.Open();
    go.Pass();
    path.deed(trace, place);
    ready.Open();
    WaitForever();
  });
  const auto counted = [&] {
    return place.group.Field("memory.stat", path.counted);
  };
  ready.Pass();
  HoldsWithin(kFolded,
              [&] { return counted() <= (kOwn + StatError(f)).count; });
  Leave(trace, place.group, path.name, "before");
  go.Open();
  ready.Pass();
  HoldsWithin(kFolded,
              [&] { return counted() >= (kSize - StatError(f)).count; });
  Leave(trace, place.group, path.name, "after");
  EndChild(child);
  place.group.Remove(trace);
}

void Limited(Trace& trace, const OpenedBox& box, const Path& path,
             Place place) {
  place.group = box.Child("group");
  trace.Set(Name(path.name, "past_limit"), 0);
  const pid_t child = StartChildIn(trace, place.group, [&] {
    path.prepare(trace, place);
    place.group.Set(trace, "memory.max", kLimit);
    if (path.swap) place.group.Set(trace, "memory.swap.max", "0");
    path.deed(trace, place);
    trace.Set(Name(path.name, "past_limit"), 1);
  });
  trace.Set(Name(path.name, "status"), Reap(child));
  trace.Set(Name(path.name, "kills"),
            place.group.Field("memory.events", "oom_kill"));
  place.group.Remove(trace);
}

// Somebody else writes: a page is charged where it is, not to who makes it.
void FromOutside(Trace& trace, const Facts& f, const OpenedBox& box) {
  const Group group = box.Child("group");
  const Range range = MapAnonymous(trace, kSize);
  Gate ready(trace);
  const pid_t child = StartChildIn(trace, group, [&] {
    ready.Open();
    WaitForever();
  });
  ready.Pass();
  const std::int64_t own = box.self().Field("memory.stat", "anon");
  char memory[32];
  std::snprintf(memory, sizeof memory, "/proc/%d/mem", child);
  WriteThrough(trace, memory, range);
  const auto anon = [&] { return group.Field("memory.stat", "anon"); };
  HoldsWithin(kFolded, [&] { return anon() >= (kSize - StatError(f)).count; });
  Leave(trace, group, "outsider", "after");
  trace.Set("outsider.own", box.self().Field("memory.stat", "anon") - own);
  EndChild(child);
  group.Remove(trace);
}

// A page that another process puts there by userfaultfd, as a pager does: of
// its parent, whose descriptor it has, while it is in another group.
void ByPager(Trace& trace, const Facts& f, const OpenedBox& box,
             const Range& source) {
  const Group group = box.Child("group");
  Gate filled(trace);
  const std::int64_t own = box.self().Field("memory.stat", "anon");
  const pid_t client = StartChildIn(trace, group, [&] {
    const Range range = MapAnonymous(trace, kSize);
    Userfaultfd pager(trace);
    pager.Register(range);
    Reap(StartChildIn(trace, box.self(), [&] {
      const std::int64_t done = pager.Copy(range, source.start);
      if (done != kSize.count)
        trace.Stop("UFFDIO_COPY", static_cast<int>(-done));
    }));
    filled.Open();
    WaitForever();
  });
  filled.Pass();
  const auto anon = [&] { return group.Field("memory.stat", "anon"); };
  HoldsWithin(kFolded, [&] { return anon() >= (kSize - StatError(f)).count; });
  Leave(trace, group, "pager", "after");
  trace.Set("pager.own", box.self().Field("memory.stat", "anon") - own);
  EndChild(client);
  group.Remove(trace);
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const OpenedBox box(trace, f);
  const Range parents = MapAnonymous(trace, kSize);
  WritePages(trace, parents);
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  const auto size = static_cast<std::size_t>(kSize.count);
  if (pwrite(file, parents.start, size, 0) != kSize.count) {
    trace.Stop("write to a memfd", errno);
  }
  const Place place{
      .range = {}, .parents = parents, .file = file, .group = box.self()};
  const bool swap = p["swap"] != "0";
  for (const Path& path : kPaths) {
    if (path.swap != swap) continue;
    Counted(trace, f, box, path, place);
    Limited(trace, box, path, place);
  }
  if (swap) return;
  FromOutside(trace, f, box);
  ByPager(trace, f, box, parents);
}

Oracle Of(const Path& path, const Facts& f) {
  const Bytes error = StatError(f);
  const Bytes stock = 64 * f.cpus * kPage;
  const auto value = [&](const char* name) {
    return std::string(Name(path.name, name));
  };
  const bool shared = std::string(path.counted) == "shmem";
  const auto anon = [&](const char* name, Bytes size) {
    return Size(value(name), Between(size - error, size + kOwn + error));
  };
  const Oracle counted = AllOf(
      anon("before.anon", 0_B), anon("after.anon", shared ? 0_B : kSize),
      Told(f, value("before.shmem"), 0_B),
      Told(f, value("after.shmem"), shared ? kSize : 0_B),
      Size(value("after.current"), Between(kSize, kSize + kTables + stock)),
      Count(value("status"), Eq(SIGKILL)), Count(value("kills"), Eq(1)),
      Count(value("past_limit"), Eq(0)));
  if (!path.swap) return counted;
  // Nothing is read ahead, so each page is a fault of its own; up to 64 of
  // them each CPU may still hold back.
  return AllOf(
      counted, Size(value("before.current"), Le(kSize / 4 + stock)),
      Difference(value("after.pgmajfault"), value("before.pgmajfault"),
                 Between((kSize - stock) / kPage, (kSize + kOwn) / kPage)));
}

Oracle Expect(const Params& p, const Facts& f) {
  const bool swap = p["swap"] != "0";
  Oracle all = Survives();
  for (const Path& path : kPaths) {
    if (path.swap == swap) all = AllOf(all, Of(path, f));
  }
  if (swap) return all;
  for (const std::string who : {"outsider", "pager"}) {
    all = AllOf(all,
                Size(who + ".after.anon", Between(kSize - StatError(f),
                                                  kSize + kOwn + StatError(f))),
                Size(who + ".after.current", Ge(kSize)),
                Size(who + ".own", Le(kOwn + StatError(f))));
  }
  return all;
}

std::string Probe(const Params& p, const Facts& f) {
  return p["swap"] == "0" ? WhyNoUserfaultfd(p, f) : "";
}

const Register kChargePaths{
    {.id = "memcg/charge_paths",
     .summary = "a page copied or swapped in is charged, and kills",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: a memory area "
                           "is charged to the cgroup which instantiated it; "
                           "seed 1: CoW, swap",
                  .deed = "in a group of its own, a child writes what it only "
                          "read, its parent's pages, a private file mapping, "
                          "by a store or by /proc/self/mem; or reads back "
                          "what is in swap: without a limit, then with one; "
                          "others write to its memory, or fill it by "
                          "userfaultfd",
                  .functions = "wp_page_copy, do_cow_fault, do_swap_page, "
                               "mem_cgroup_swapin_charge_folio, charge_memcg",
                  .look_at = "<path>.after.* is the group's memory.stat; "
                             "<path>.past_limit is 1 where nobody was killed"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["swap"] == "0") {
             instance.needs.no_swap = true;
             return;
           }
           instance.needs.swap = p.Size("swap");
           instance.needs.box = {{"memory.swap.max", "max"}};
           instance.needs.settings = {{"/proc/sys/vm/page-cluster", "0"}};
         },
     .params = {{"swap", {"0", "64m"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
