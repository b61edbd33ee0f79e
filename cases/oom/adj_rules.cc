// SPDX-License-Identifier: Apache-2.0
// Who may set oom_score_adj to what, who inherits it, and who is never chosen:
// the rules that protect and expose processes.
#include <linux/capability.h>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr KernelFolder kSelf("/proc/self");
constexpr const char* kAdj = "oom_score_adj";
constexpr const char* kOldAdj = "oom_adj";

struct Scores : Scene {
  pid_t sharer = 0;
};

// A number with its sign; what cannot be read is 9999.
std::int64_t Read(const char* file, pid_t pid = 0) {
  char text[24] = {};
  const int fd =
      open(ProcessFolder(pid).PathOf(file).text, O_RDONLY | O_CLOEXEC);
  const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? std::strtoll(text, nullptr, 10) : 9999;
}
std::int64_t Adj() { return Read(kAdj); }
std::int64_t OldAdj() { return Read(kOldAdj); }
std::int64_t Score() { return kSelf.Number("oom_score"); }

// What is written, and what both files tell then. The old one has
// seventeenths: 15 is 1000, -17 is -1000.
struct Write {
  const char* name;
  const char* file;
  const char* text;
  int error;
  int adj;
  int old_adj;
};
constexpr Write kLimits[] = {
    {"write 1001", kAdj, "1001", EINVAL, 0, 0},
    {"write -1001", kAdj, "-1001", EINVAL, 0, 0},
    {"write a word", kAdj, "much", EINVAL, 0, 0},
    {"write 1000", kAdj, "1000", 0, 1000, 15},
    {"write -1000", kAdj, "-1000", 0, -1000, -17},
    {"write 8 to oom_adj", kOldAdj, "8", 0, 470, 7},
    {"write -17 to oom_adj", kOldAdj, "-17", 0, -1000, -17},
    {"write 500", kAdj, "500", 0, 500, 8},
};
// What was set with the right to do so is the floor for who lost it.
constexpr Write kFloor[] = {
    {"raise it to 700", kAdj, "700", 0, 700, 11},
    {"lower it to what it was", kAdj, "200", 0, 200, 3},
    {"lower it below", kAdj, "199", EACCES, 200, 3},
    {"raise it to 300", kAdj, "300", 0, 300, 5},
};

StepOf<Scores> StepOfWrite(const Write& write) {
  Rows<Scores> rows = {Refused(write.error),
                       {"adj", Adj, write.adj},
                       {"old adj", OldAdj, write.old_adj}};
  if (write.adj == -1000) rows.push_back({"score", Score, 0});
  return {write.name, [=] { return kSelf.Write(write.file, write.text); },
          rows};
}

int Wait(void*) { WaitForever(); }

int InVfork(void* at) {
  const Scores& s = *static_cast<Scores*>(at);
  s.Set("score", Score());
  s.Set("write errno", kSelf.Write(kAdj, 900));
  s.Set("adj", Adj());
  s.Set("parent's adj", Read(kAdj, getppid()));
  s.Set("score at 900", Score());
  _exit(0);
}

Steps<Scores> Make(const Params&, const Facts&) {
  const auto of_sharer = [](Scores& s) { return Read(kAdj, s.sharer); };
  const auto score_of = [](const char* path) {
    return [=] { return NumberIn(path); };
  };
  Steps<Scores> steps;
  for (const Write& write : kLimits) steps.push_back(StepOfWrite(write));
  // Two processes with one memory have one score; a child of vfork, which is
  // about to have its own, sets only its own.
  const Steps<Scores> others = {
      {"write 100, share all memory",
       [](Scores& s) {
         SetAdj(s.trace, 0, 100);
         s.sharer = StartSharer(s.trace, 0, Wait);
       },
       Is("sharer", of_sharer, 100)},
      {"write 150", [](Scores& s) { SetAdj(s.trace, 0, 150); },
       Is("sharer", of_sharer, 150)},
      {"write 175 of the sharer",
       [](Scores& s) { SetAdj(s.trace, s.sharer, 175); }, Is("adj", Adj, 175)},
      // 120 of a thousand, and two thirds of 1000 to begin with.
      {"fork, then write 120",
       [](Scores& s) {
         const pid_t child = StartChild(s.trace, [] { WaitForever(); });
         SetAdj(s.trace, 0, 120);
         s.Set("child", Read(kAdj, child));
         EndChild(child);
         EndChild(s.sharer);
       },
       Count("child", 175), Is("adj", Adj, 120),
       Is("score", Score, Between(746, 760))},
      {"write 900 in a child of vfork",
       [](Scores& s) { Reap(StartSharer(s.trace, CLONE_VFORK, InVfork, &s)); },
       Count("score", 0), Count("write errno", 0), Count("adj", 900),
       Count("parent's adj", 120), Count("score at 900", 0),
       Is("adj after", Adj, 120)},
      StepOf<Scores>(
          "look at who is never chosen", [] {},
          Is("init", score_of("/proc/1/oom_score"), 0),
          Is("kernel thread", score_of("/proc/2/oom_score"), 0))
          .HoldsWithout("it only reads"),
      {"write 200, fork",
       [](Scores& s) {
         SetAdj(s.trace, 0, 200);
         RunChild(s.trace, [&] { s.Set("child", Adj()); });
         DropCapability(s.trace, CAP_SYS_RESOURCE);
       },
       Count("child", 200)},
  };
  steps.insert(steps.end(), others.begin(), others.end());
  for (const Write& write : kFloor) steps.push_back(StepOfWrite(write));
  steps.push_back({"write in a child without the right",
                   [](Scores& s) {
                     RunChild(s.trace, [&] {
                       s.Set("back errno", kSelf.Write(kAdj, 200));
                       s.Set("lower errno", kSelf.Write(kAdj, 199));
                     });
                   },
                   Count("back errno", 0), Count("lower errno", EACCES)});
  return steps;
}

const Register kAdjRules{
    {.id = "oom/adj_rules",
     .summary = "who may set oom_score_adj, who inherits it, who is exempt",
     .claim = "Seed 1 (OOM); Documentation/filesystems/proc.rst, 3.1",
     .functions = "__set_oom_adj, oom_score_adj_write, copy_signal, "
                  "oom_badness (in_vfork)",
     .look_at = "a value that is 9999 could not be read at all",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .steps = Make,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
