// SPDX-License-Identifier: Apache-2.0
// Contests for the OOM killer: processes that hold memory and wait, a box that
// fills up with what no process is blamed for, and who died of it.
#pragma once

#include "oomgate/case.h"

namespace oomgate::oom {

// Kills are many in some cases, and a guest prints the header of 10 in 5
// seconds: those share a guest that no reader of reports shares. What they
// promise holds in spite of these settings, which do not reach into a cgroup.
std::vector<Setting> ManyKills();

// OOM kills in the box so far.
std::int64_t Kills(const Facts& facts);

// /proc/<pid> (0: the caller's).
KernelFolder ProcessFolder(pid_t pid);
// Sets the oom_score_adj of a process.
void SetAdj(Trace& trace, pid_t pid, int adj);

// What mm/oom_kill.c, oom_badness, adds up, in pages: RSS, swap, page tables.
std::int64_t PagesOf(pid_t pid);
// Its anonymous memory, by page-table walk: exact.
Bytes AnonymousOf(pid_t pid);
// What a step of oom_score_adj is worth, in pages: totalpages / 1000.
std::int64_t PagesPerAdj(Bytes total);
// By how many pages the killer may see a process wrongly. Since 6.2 RSS is
// counted per CPU, and read approximately by the killer until 7.0.
std::int64_t RssError(const Facts& facts);

// Folds what a thread up to 6.1 counts for itself (64 faults) into its RSS:
// unmapping does.
void SettleRss(Trace& trace);

// Puts the caller before who fills the box, on their one CPU, where it may: who
// was killed ends before the killer looks again. A cgroup's killer no longer
// sees a process that is exiting, even while its memory is still charged.
void RunFirst();

// The pages of a file in memory, mapped by nobody. Whoever makes it, and the
// children that it starts later, stay on one CPU.
class Ballast {
 public:
  explicit Ballast(Trace& trace);
  void Grow(Bytes size);
  void Shrink(Bytes size);
  // Writes until the killer has acted in the box.
  void GrowUntilKill(const Facts& facts);
  Bytes size() const { return size_; }

 private:
  void Write(Bytes size);

  Trace& trace_;
  int file_ = -1;
  Bytes size_;
};

// Waits until a child sleeps: from then on it faults in nothing more.
void AwaitSleep(Trace& trace, pid_t pid);

// Starts a child that takes its score, does `hold`, and waits to die. It is
// ready when this returns.
template <typename Hold>
pid_t StartPlayer(Trace& trace, Gate& ready, int adj, Hold hold) {
  const pid_t pid = StartChild(trace, [&] {
    SetAdj(trace, 0, adj);
    RunFirst();
    hold();
    SettleRss(trace);
    ready.Open();
    WaitForever();
  });
  ready.Pass();
  AwaitSleep(trace, pid);
  return pid;
}

// Who was killed first since the last look, by the kernel's log: needs
// .kernel_log. Memory that a dying process gives back late (page tables, files)
// may let the killer take a second one at once.
class KillLog {
 public:
  explicit KillLog(Trace& trace);
  ~KillLog();
  KillLog(const KillLog&) = delete;
  KillLog& operator=(const KillLog&) = delete;
  pid_t First();
  // Leaves out what was said until now.
  void Skip() const { lseek(file_, 0, SEEK_END); }

 private:
  Trace& trace_;
  int file_ = -1;
};

// A child that has the caller's memory (CLONE_VM, and what else of CLONE_… is
// in `flags`) runs `body`, on a stack of its own.
pid_t StartSharer(Trace& trace, int flags, int (*body)(void*),
                  void* argument = nullptr);

// Waits for a child to die of SIGKILL, and reaps it; stops the subject where it
// ended in another way.
pid_t NextVictim(Trace& trace);
// The signal that a child dies of within 5 s; 0 where it does not.
int SignalOf(pid_t child);
// Whether a child has ended: it is reaped then. The same as a reading of a
// scene's.
bool HasEnded(pid_t child);
template <typename S>
auto Ended(pid_t S::*child) {
  return [=](S& s) { return HasEnded(s.*child); };
}

// A victim and another one, around a ballast.
struct Contest : Scene {
  Gate ready{trace};
  Ballast ballast{trace};
  pid_t victim = 0;
  pid_t other = 0;

  template <typename Hold>
  pid_t Start(int adj, Hold hold) {
    return StartPlayer(trace, ready, adj, hold);
  }
  pid_t Start(int adj, Bytes size);  // of anonymous memory
  std::int64_t KillsSoFar() const { return Kills(f); }
  Bytes BallastSize() const { return ballast.size(); }
  bool OtherLives() const { return !HasEnded(other); }
  // What of the box is in swap (v2).
  Bytes InSwap() const { return Bytes{Group(f).Number("memory.swap.current")}; }
};

// What a player may hold.
void HoldAnonymous(Trace& trace, Bytes size);
void HoldShared(Trace& trace, Bytes size);
// Page tables of that size, nearly: reads one byte in 2 MiB.
void HoldTables(Trace& trace, Bytes size);

}  // namespace oomgate::oom
