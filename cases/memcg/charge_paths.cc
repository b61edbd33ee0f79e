// SPDX-License-Identifier: Apache-2.0
// Whatever makes a page of a process, it is charged, to that process's group;
// at the limit each of these ways kills.
#include "cases/memcg/groups.h"
#include "cases/memcg/push_out.h"
#include "oomgate/userfaultfd.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 2_MiB;
constexpr Bytes kLimit = kSize / 2;
constexpr Bytes kOwn = 32 * kPage;     // the member's stack and data
constexpr Bytes kTables = 96 * kPage;  // and what the kernel has for it

struct Pages : Scene {
  OpenedBox box{trace, f};
  Range parents = MapAnonymous(trace, kSize);  // here, in another group
  int file = FileOf(parents);
  Range range = {};  // where the member works
  Group group = box.self();
  Member member{trace};

  // A file of what is written to that range before.
  int FileOf(const Range& pages) const {
    WritePages(trace, pages);
    const int memfd = MakeMemfd(trace);
    Must(trace, "write", pwrite(memfd, pages.start, Length(pages.size), 0));
    return memfd;
  }
  // In a group of its own.
  template <typename Body>
  void RunToPause(Body body) {
    group = box.Child("group");
    member.RunToPause(group, body);
  }
  void GoOn() { member.GoOn(); }
  void End() {
    member.Kill();
    group.Remove(trace);
  }
  std::int64_t MajorFaults() const {
    return group.Field("memory.stat", "pgmajfault");
  }
  Bytes SubjectsAnon() const {
    return Bytes{box.self().Field("memory.stat", "anon")};
  }
};

// Writes to a process's memory by its file in /proc.
void WriteThrough(Trace& trace, pid_t pid, const Range& range) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/mem", pid);
  const int file = Must(trace, "open of a memory", open(path, O_WRONLY));
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    Must(trace, "write to the memory of a process",
         pwrite(file, "1", 1, reinterpret_cast<off_t>(at)));
  }
  close(file);
}

void Read(Pages& s) { ReadPages(s.trace, s.range); }
void Write(Pages& s) { WritePages(s.trace, s.range); }
void WriteByProc(Pages& s) { WriteThrough(s.trace, getpid(), s.range); }
void UseParents(Pages& s) { s.range = s.parents; }
void Map(Pages& s) { s.range = MapAnonymous(s.trace, kSize); }
void MapZeroPages(Pages& s) {
  Map(s);
  Read(s);
}
void MapTheFile(Pages& s) {
  s.range =
      MapFile(s.trace, s.file, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}
void MapFilePages(Pages& s) {
  MapTheFile(s);
  Read(s);
}
void WriteAndPushOut(Pages& s) {
  Write(s);
  PushOut(s.trace, s.group, s.range);
}
void MapSwapped(Pages& s) {
  Map(s);
  WriteAndPushOut(s);
}
void MapSharedSwapped(Pages& s) {
  s.range = MapAnonymous(s.trace, kSize,
                         {.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE});
  WriteAndPushOut(s);
}

// What is to be charged is made by `deed`; all before it belongs to others.
struct Path {
  std::string name;
  void (*prepare)(Pages&);
  void (*deed)(Pages&);
};
const Path kPaths[] = {
    {"write over zero pages", MapZeroPages, Write},
    {"write over the parent's pages", UseParents, Write},
    {"write a private file mapping", MapTheFile, Write},
    {"write over file pages", MapFilePages, Write},
    {"write by /proc/self/mem", MapTheFile, WriteByProc},
};
const Path kSwapPaths[] = {
    {"read from swap", MapSwapped, Read},
    {"read shared from swap", MapSharedSwapped, Read},
};

const auto kCurrent = SizeIn(&Pages::group, "memory.current");

Row<Pages> Charged(const Facts& f, Bytes anon, Bytes shmem) {
  return Rows<Pages>{
      Soon("anon", Stat(&Pages::group, "anon"),
           Between(anon - StatError(f), anon + kOwn + StatError(f))),
      Soon("shmem", Stat(&Pages::group, "shmem"), About(f, shmem))};
}

// The same in a group that has a limit when the deed is done.
void Limited(Pages& s, const Path& path) {
  s.End();
  s.group = s.box.Child("group");
  s.Set("past limit", 0);
  const int status = RunChildIn(s.trace, s.group, [&] {
    path.prepare(s);
    s.group.Set(s.trace, "memory.max", kLimit);
    if (s.p["swap"] != "0") s.group.Set(s.trace, "memory.swap.max", 0);
    path.deed(s);
    s.Set("past limit", 1);
  });
  s.Set("status", status);
  s.Set("kills", s.group.Field("memory.events", "oom_kill"));
  s.group.Remove(s.trace);
}

void AddSteps(Steps<Pages>& steps, const Path& path, const Facts& f,
              bool swap) {
  const Bytes stock = ChargeStock(f);
  const bool shared = path.prepare == MapSharedSwapped;
  Rows<Pages> before{Charged(f, 0_B, 0_B)};
  Rows<Pages> after{
      shared ? Charged(f, 0_B, kSize) : Charged(f, kSize, 0_B),
      Is("current", kCurrent, Between(kSize, kSize + kTables + stock))};
  if (swap) {
    before.push_back(Is("current", kCurrent, Le(kSize / 4 + stock)));
    // Nothing is read ahead, so each page is a fault of its own; up to 64 of
    // them each CPU may still hold back.
    after.push_back(
        Change("major faults", &Pages::MajorFaults,
               Between((kSize - stock) / kPage, (kSize + kOwn) / kPage)));
  }
  const auto start = [=](Pages& s) {
    s.RunToPause([&] {
      path.prepare(s);
      s.member.Pause();
      path.deed(s);
      s.member.Pause();
    });
  };
  steps.push_back({path.name + ": prepare", start, before});
  steps.push_back({path.name, &Pages::GoOn, after});
  steps.push_back({path.name + ", limited", [=](Pages& s) { Limited(s, path); },
                   Count("status", SIGKILL), Count("kills", 1),
                   Count("past limit", 0)});
}

// A pager works on its parent, whose descriptor it has, while it is in another
// group.
void FillByPager(Pages& s) {
  Map(s);
  Userfaultfd pager(s.trace);
  pager.Register(s.range);
  RunChildIn(s.trace, s.box.self(), [&] {
    const std::int64_t done = pager.Copy(s.range, s.parents.start);
    if (done != kSize.count)
      s.trace.Stop("UFFDIO_COPY", static_cast<int>(-done));
  });
}

void WriteFromOutside(Pages& s) {
  Map(s);
  s.RunToPause([&] { s.member.Pause(); });
  WriteThrough(s.trace, s.member.pid(), s.range);
}
void BeginAndFill(Pages& s) {
  s.End();
  s.RunToPause([&] {
    FillByPager(s);
    s.member.Pause();
  });
}

Steps<Pages> Make(const Params& p, const Facts& f) {
  Steps<Pages> steps;
  if (p["swap"] != "0") {
    for (const Path& path : kSwapPaths) AddSteps(steps, path, f, true);
    return steps;
  }
  for (const Path& path : kPaths) AddSteps(steps, path, f, false);
  // Somebody else writes: a page is charged where it is, not to who makes it.
  const Row<Pages> charged = Rows<Pages>{
      Soon("anon", Stat(&Pages::group, "anon"),
           Between(kSize - StatError(f), kSize + kOwn + StatError(f))),
      Is("current", kCurrent, Ge(kSize)),
      Change("own", &Pages::SubjectsAnon, Le(kOwn + StatError(f)))};
  steps.push_back(
      {"write to its memory from outside", WriteFromOutside, charged});
  steps.push_back({"fill its memory by userfaultfd", BeginAndFill, charged});
  steps.push_back({"end it", &Pages::End});
  return steps;
}

std::string Probe(const Params& p, const Facts& f) {
  return p["swap"] == "0" ? WhyNoUserfaultfd(p, f) : "";
}

const Register kChargePaths{
    {.id = "memcg/charge_paths",
     .summary = "a page copied or swapped in is charged, and kills",
     .claim = "Documentation/admin-guide/cgroup-v2: a memory area is charged "
              "to the cgroup which instantiated it; seed 1: CoW, swap",
     .functions = "wp_page_copy, do_cow_fault, do_swap_page, "
                  "mem_cgroup_swapin_charge_folio, charge_memcg",
     .look_at = "past limit is 1 where nobody was killed",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           SwapOfParameter(p, instance);
           if (instance.needs.no_swap) return;
           instance.needs.settings = {kVmKnobs.With("page-cluster", "0")};
         },
     .params = {{"swap", {"0", "64m"}}},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
