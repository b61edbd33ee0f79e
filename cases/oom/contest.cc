// SPDX-License-Identifier: Apache-2.0
// Contests for the OOM killer.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kChunk = 128_KiB;

// The OOM kills in a box, from a file that stays open: where the box is full,
// opening it anew would be charged for a buffer, and fill the box itself.
class KillCounter {
 public:
  explicit KillCounter(const Facts& facts) {
    char path[256] = "/proc/vmstat";
    if (facts.cgroup != 0) {
      std::snprintf(path, sizeof path, "%s/%s", facts.box_folder.c_str(),
                    facts.cgroup == 2 ? "memory.events" : "memory.oom_control");
    }
    file_ = open(path, O_RDONLY | O_CLOEXEC);
  }
  ~KillCounter() { close(file_); }
  KillCounter(const KillCounter&) = delete;
  KillCounter& operator=(const KillCounter&) = delete;

  std::int64_t Now() {
    static char text[16 << 10];  // /proc/vmstat is the longest
    std::size_t length = 0;
    ssize_t n = 0;
    while ((n = pread(file_, text + length, sizeof text - 1 - length,
                      static_cast<off_t>(length))) > 0) {
      length += static_cast<std::size_t>(n);
    }
    text[length] = '\0';
    const char* const line = std::strstr(text, kLine);
    return line == nullptr ? -1
                           : std::strtoll(line + sizeof kLine - 1, nullptr, 10);
  }

 private:
  static constexpr char kLine[] = "\noom_kill ";
  int file_ = -1;
};

}  // namespace

std::vector<Setting> ManyKills() {
  return {{"/proc/sys/kernel/printk", "1\t4\t1\t7"},
          kVmKnobs.With("oom_dump_tasks", "0"),
          kVmKnobs.With("oom_kill_allocating_task", "1"),
          kVmKnobs.With("panic_on_oom", "1")};
}

std::int64_t Kills(const Facts& facts) { return KillCounter(facts).Now(); }

KernelFolder ProcessFolder(pid_t pid) {
  char path[32] = "/proc/self";
  if (pid != 0) std::snprintf(path, sizeof path, "/proc/%d", pid);
  return KernelFolder(path);
}

void SetAdj(Trace& trace, pid_t pid, int adj) {
  ProcessFolder(pid).Set(trace, "oom_score_adj", adj);
}

std::int64_t PagesOf(pid_t pid) {
  return (StatusField("VmRSS", pid) + StatusField("VmSwap", pid) +
          StatusField("VmPTE", pid)) /
         kPage;
}

Bytes AnonymousOf(pid_t pid) {
  return ProcessFolder(pid).Field("smaps_rollup", "Anonymous") * 1_KiB;
}

std::int64_t PagesPerAdj(Bytes total) { return total / kPage / 1000; }

std::int64_t RssError(const Facts& facts) {
  const bool approximate =
      facts.kernel >= KernelVersion{6, 2} && facts.kernel < KernelVersion{7, 0};
  if (!approximate) return 0;
  // percpu_counter_batch, for each CPU, of each of three counters.
  const int batch = std::max(32, 2 * facts.cpus);
  return 3L * (batch - 1) * facts.cpus;
}

void SettleRss(Trace& trace) {
  const Range page = MapAnonymous(trace, kPage);
  *static_cast<volatile char*>(page.start) = 1;
  Unmap(trace, page);
}

void AwaitSleep(Trace& trace, pid_t pid) {
  if (!HoldsWithin(5000, [&] { return ProcessState(pid) == 'S'; })) {
    trace.Stop("a player never slept", 0);
  }
}

void RunFirst() {
  const sched_param lowest = {.sched_priority = 1};
  (void)sched_setscheduler(0, SCHED_FIFO, &lowest);
}

Ballast::Ballast(Trace& trace) : trace_(trace) {
  RunOnCpu(trace, sched_getcpu());
  file_ = MakeMemfd(trace, 0_B, MFD_CLOEXEC);
}

void Ballast::Write(Bytes size) {
  static const char zeroes[kChunk.count] = {};
  while (size > 0_B) {
    const auto length = static_cast<std::size_t>(std::min(size, kChunk).count);
    const ssize_t n = pwrite(file_, zeroes, length, size_.count);
    if (n <= 0) trace_.Stop("write of the ballast", errno);
    size_ += Bytes{n};
    size = size - Bytes{n};
  }
}

void Ballast::Grow(Bytes size) { Write(size); }

void Ballast::Shrink(Bytes size) {
  size_ = std::max(0_B, size_ - size);
  Must(trace_, "ftruncate", ftruncate(file_, size_.count));
}

void Ballast::GrowUntilKill(const Facts& facts) {
  KillCounter kills(facts);
  const std::int64_t before = kills.Now();
  while (kills.Now() == before) {
    if (size_ > facts.box + facts.swap) trace_.Stop("no kill in a full box", 0);
    Write(kChunk);
  }
}

KillLog::KillLog(Trace& trace)
    : trace_(trace),
      file_(Must(trace, "/dev/kmsg",
                 open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC))) {
  Skip();
}

KillLog::~KillLog() { close(file_); }

pid_t KillLog::First() {
  static char record[4096];
  constexpr std::string_view kKilled = "Killed process ";
  pid_t first = 0;
  for (;;) {
    const ssize_t n = read(file_, record, sizeof record - 1);
    if (n < 0 && errno == EPIPE) continue;  // overrun: older ones are gone
    if (n <= 0) break;
    const std::string_view line(record, static_cast<std::size_t>(n));
    record[n] = '\0';
    const std::size_t at = line.find(kKilled);
    if (first != 0 || at == std::string_view::npos) continue;
    first = static_cast<pid_t>(
        std::strtol(record + at + kKilled.size(), nullptr, 10));
  }
  if (first == 0) trace_.Stop("no kill in the log", 0);
  return first;
}

pid_t StartSharer(Trace& trace, int flags, int (*body)(void*), void* argument) {
  const Range stack =
      MapAnonymous(trace, 64_KiB, {.pages = MapOptions::kDefault});
  return Must(trace, "clone",
              clone(body, stack.end(), CLONE_VM | SIGCHLD | flags, argument));
}

pid_t NextVictim(Trace& trace) {
  int status = 0;
  pid_t pid = -1;
  while ((pid = waitpid(-1, &status, 0)) < 0 && errno == EINTR) {
  }
  if (pid < 0) trace.Stop("wait for a victim", errno);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    trace.Stop("a player ended by itself", 0);
  }
  return pid;
}

int SignalOf(pid_t child) {
  int status = 0;
  return EndsWithin(child, 5000, status) ? WTERMSIG(status) : 0;
}

bool HasEnded(pid_t child) {
  int status = 0;
  return EndsWithin(child, 0, status);
}

pid_t Contest::Start(int adj, Bytes size) {
  return Start(adj, [&] { HoldAnonymous(trace, size); });
}

namespace {

void WriteAnonymous(Trace& trace, Bytes size) {
  WritePages(trace, MapAnonymous(trace, size));
}

void WriteShared(Trace& trace, Bytes size) {
  WritePages(trace, MapAnonymous(
                        trace, size,
                        {.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE}));
}

void FillTables(Trace& trace, Bytes size) {
  const Range range = MapAnonymous(trace, (size / kPage) * kHugePage,
                                   {.prot = PROT_READ, .align = 1_GiB});
  ReadPages(trace, range, kHugePage);
}

// The kernel maps code 16 pages at a time: a chunk that only one kind of holder
// runs would weigh, too. So each holds a page of every kind.
void HoldOneOfEach(Trace& trace) {
  WriteAnonymous(trace, kPage);
  WriteShared(trace, kPage);
  FillTables(trace, kPage);
}

}  // namespace

void HoldAnonymous(Trace& trace, Bytes size) {
  HoldOneOfEach(trace);
  WriteAnonymous(trace, size);
}

void HoldShared(Trace& trace, Bytes size) {
  HoldOneOfEach(trace);
  WriteShared(trace, size);
}

void HoldTables(Trace& trace, Bytes size) {
  HoldOneOfEach(trace);
  FillTables(trace, size);
}

}  // namespace oomgate::oom
