// SPDX-License-Identifier: Apache-2.0
// A page that is read again after it was reclaimed is a refault: of the group
// that reads it, whoever had it before.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cases/memcg/push_out.h"
#include "cases/memcg/stat.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr std::int64_t kPages = kSize / kPage;
constexpr int kFolded = 3000;  // milliseconds
constexpr const char* kFile = "workingset_refault_file";
constexpr const char* kAnon = "workingset_refault_anon";
// The multi-generational LRU counts another group's pages in its own way.
constexpr const char* kGenerations = "/sys/kernel/mm/lru_gen/enabled";

// By how much a group's number has grown, once it is `expected`.
std::int64_t Grown(const Facts& f, const Group& group, const char* field,
                   std::int64_t before, std::int64_t expected) {
  const auto now = [&] { return group.Field("memory.stat", field) - before; };
  HoldsWithin(kFolded, [&] { return Near(f, now() * 4096, expected * kPage); });
  return now();
}

// Out of memory, so that its shadow stays.
void Reclaim(Trace& trace, const Group& group, int disk) {
  HoldsWithin(kFolded, [&] {
    if (group.Has("memory.reclaim")) {
      group.Write("memory.reclaim", kSize);
    } else {
      group.Set(trace, "memory.high", "0");
      group.Set(trace, "memory.high", "max");
    }
    return CachedOfDisk(trace, disk, 0_B, kSize) == 0_B;
  });
}

// A group of a few pages soon forgets what it had (count_shadow_nodes): each
// has a member whose pages stay.
pid_t Resident(Trace& trace, const Group& group) {
  Gate locked(trace);
  const pid_t child = StartChildIn(trace, group, [&] {
    const Range range = MapAnonymous(trace, kSize);
    if (mlock(range.start, Length(kSize)) != 0) trace.Stop("mlock", errno);
    locked.Open();
    WaitForever();
  });
  locked.Pass();
  return child;
}

void Files(Trace& trace, const Facts& f, const OpenedBox& box) {
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  if (disk < 0) trace.Stop("open of the scratch disk", errno);
  const Group first = box.Child("first");
  const Group second = box.Child("second");
  const pid_t members[] = {Resident(trace, first), Resident(trace, second)};
  struct Step {
    const char* name;
    const Group& reader;
    std::int64_t first, second;  // refaults of each
  };
  const Step steps[] = {{"new", first, 0, 0},
                        {"again", first, kPages, 0},
                        {"other", second, 0, kPages},
                        {"other_again", second, 0, kPages}};
  const Group* holder = nullptr;
  for (const Step& step : steps) {
    if (holder != nullptr) Reclaim(trace, *holder, disk);
    char name[48];
    std::snprintf(name, sizeof name, "%s.out", step.name);
    trace.Set(name, CachedOfDisk(trace, disk, 0_B, kSize));
    const std::int64_t of_first = first.Field("memory.stat", kFile);
    const std::int64_t of_second = second.Field("memory.stat", kFile);
    Reap(
        StartChildIn(trace, step.reader, [&] { ReadDisk(trace, 0_B, kSize); }));
    std::snprintf(name, sizeof name, "%s.first", step.name);
    trace.Set(name, Grown(f, first, kFile, of_first, step.first));
    std::snprintf(name, sizeof name, "%s.second", step.name);
    trace.Set(name, Grown(f, second, kFile, of_second, step.second));
    holder = &step.reader;
  }
  for (const pid_t member : members) EndChild(member);
  first.Remove(trace);
  second.Remove(trace);
  close(disk);
}

void Anonymous(Trace& trace, const Facts& f, const OpenedBox& box) {
  const Group group = box.Child("swapped");
  Gate out(trace);
  Gate go(trace);
  Gate in(trace);
  const pid_t child = StartChildIn(trace, group, [&] {
    const Range range = MapAnonymous(trace, kSize);
    WritePages(trace, range);
    PushOut(trace, group, range);
    trace.Set("swapped.out", ReadMapping(range).swap);
    out.Open();
    go.Pass();
    ReadPages(trace, range);
    in.Open();
    WaitForever();
  });
  out.Pass();
  const std::int64_t before = Grown(f, group, kAnon, 0, 0);
  go.Open();
  in.Pass();
  trace.Set("swapped.refaults", Grown(f, group, kAnon, before, kPages));
  trace.Set("swapped.files", group.Field("memory.stat", kFile));
  EndChild(child);
  group.Remove(trace);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  if (access(kGenerations, F_OK) == 0) WriteKnob(trace, kGenerations, "n");
  const OpenedBox box(trace, f);
  Files(trace, f, box);
  Anonymous(trace, f, box);
}

Oracle Expect(const Params&, const Facts& f) {
  const std::int64_t error = StatError(f) / kPage;
  const auto told = [=](const std::string& name, std::int64_t pages) {
    return Count(name, Between(pages - error, pages + error));
  };
  const auto step = [&](const std::string& name, std::int64_t first,
                        std::int64_t second) {
    return AllOf(Size(name + ".out", Eq(0_B)), told(name + ".first", first),
                 told(name + ".second", second));
  };
  return AllOf(Survives(), step("new", 0, 0), step("again", kPages, 0),
               step("other", 0, kPages), step("other_again", 0, kPages),
               Size("swapped.out", Eq(kSize)),
               // Pages that a CPU still held in a batch as they were written
               // out may be back without the disk; what the child has beside
               // its pages may come back as well.
               Count("swapped.refaults", Between(kPages - 64 * f.cpus - error,
                                                 kPages + 64 + error)),
               told("swapped.files", 0));
}

const Register kRefault{
    {.id = "memcg/refault",
     .summary = "a page read again after reclaim is a refault of the reader",
     .explains =
         {.claim = "Documentation/admin-guide/cgroup-v2: "
                   "workingset_refault_anon, workingset_refault_file; seed 1: "
                   "memory observation",
          .deed = "two groups in turn read 4 MiB of a disk that were "
                  "reclaimed from the one before; a third reads its pages "
                  "back from swap",
          .functions = "workingset_eviction, workingset_refault",
          .look_at = "<step>.first and .second are refaults of the two groups; "
                     "<step>.out what was still in memory before"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .alone = true,
               .disk = 64_MiB,
               .settings = {{"/proc/sys/vm/page-cluster", "0"}},
               .box = {{"memory.swap.max", "max"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
