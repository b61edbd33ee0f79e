// SPDX-License-Identifier: Apache-2.0
// The mode can change at any time, whatever is committed: it holds from the
// next call on, and what was mapped keeps the rules it was mapped by.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr int kShared = MAP_SHARED | MAP_ANONYMOUS;
constexpr std::int64_t kN = 1280;

char* Map(Trace& trace, std::int64_t pages, int prot, int flags) {
  void* at = mmap(nullptr, Pages(pages), prot, flags, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  return static_cast<char*>(at);
}

int WriteErrno(const char* path, const char* value) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  const ssize_t n = write(fd, value, std::strlen(value));
  const int error = n < 0 ? errno : 0;
  close(fd);
  return error;
}

// What is charged since it was asked last.
class Charge {
 public:
  void Tell(Trace& trace, const char* name) {
    const std::int64_t now = CommittedPages();
    trace.Set(name, now - last_);
    last_ = now;
  }

 private:
  std::int64_t last_ = CommittedPages();
};

// In mode 0 each CPU may hold back very much; mode 2 knows of it at once.
void MeasureSync(Trace& trace) {
  RunOnCpu(trace, 1);
  char* maps[40];
  for (char*& map : maps) map = Map(trace, 100, kRw, kShared);
  char limit[24];
  std::snprintf(limit, sizeof limit, "%lld",
                static_cast<long long>(4 * (CommittedPages() - 1000)));
  WriteKnob(trace, kKbytes, limit);
  RunOnCpu(trace, 0);
  WriteKnob(trace, kMode, "2");
  trace.Set("held_back_errno", TryMap(kPage, kRw, kPrivate));
  WriteKnob(trace, kMode, "0");
  WriteKnob(trace, kRatio, "50");
  for (char* map : maps) munmap(map, Pages(100));
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  GrowStack<256 << 10>();
  WriteKnob(trace, kMode, "0");
  RunOnCpu(trace, 0);
  const std::int64_t before = CommittedPages();
  for (const char* wrong : {"3", "-1"}) {
    trace.Add("wrong_accepted", WriteErrno(kMode, wrong) == EINVAL ? 0 : 1);
  }
  trace.Set("mode_kept", NumberIn(kMode));

  // Twice the limit, and what mode 0 does not charge.
  const std::int64_t most = f.ram / kPage;
  Charge charge;
  char* const large = Map(trace, most, kRw, kPrivate);
  charge.Tell(trace, "large");
  char* free_rw = Map(trace, kN, kRw, kPrivate | MAP_NORESERVE);
  char* const free_r = Map(trace, kN, PROT_READ, kPrivate | MAP_NORESERVE);
  char* const free_shared = Map(trace, kN, kRw, kShared | MAP_NORESERVE);
  charge.Tell(trace, "uncharged");

  trace.Set("switch_errno", WriteErrno(kMode, "2"));
  trace.Set("mode_now", NumberIn(kMode));
  trace.Set("page_errno", TryMap(kPage, kRw, kPrivate));
  trace.Set("noreserve_errno", TryMap(kPage, kRw, kPrivate | MAP_NORESERVE));
  trace.Set("read_errno", TryMap(kPage, PROT_READ, kPrivate));
  trace.Set("fork_errno", TryFork());
  trace.Set("vfork_errno", TryVfork());
  // What was mapped without a charge goes on so.
  trace.Set("protect_errno", mprotect(free_r, Pages(kN), kRw) == 0 ? 0 : errno);
  void* grown = mremap(free_rw, Pages(kN), Pages(2 * kN), MREMAP_MAYMOVE);
  trace.Set("grow_errno", grown == MAP_FAILED ? errno : 0);
  if (grown != MAP_FAILED) free_rw = static_cast<char*>(grown);
  charge.Tell(trace, "refused");
  munmap(free_rw, Pages(2 * kN));
  munmap(free_r, Pages(kN));
  munmap(free_shared, Pages(kN));
  charge.Tell(trace, "uncharged_gone");
  munmap(large, Pages(most));
  charge.Tell(trace, "large_gone");
  trace.Set("page_then_errno", TryMap(kPage, kRw, kPrivate));
  trace.Set("fork_then_errno", TryFork());

  // What mode 2 charged is given back in any mode.
  char* const whole = Map(trace, kN, kRw, kPrivate | MAP_NORESERVE);
  char* const object = Map(trace, kN, kRw, kShared | MAP_NORESERVE);
  char* const readable = Map(trace, kN, PROT_READ, kPrivate | MAP_NORESERVE);
  charge.Tell(trace, "charged");
  WriteKnob(trace, kMode, "0");
  munmap(whole, Pages(kN));
  charge.Tell(trace, "charged_gone");
  munmap(object, Pages(kN));
  charge.Tell(trace, "object_gone");
  // Mapped when MAP_NORESERVE meant nothing.
  trace.Set("later_errno", mprotect(readable, Pages(kN), kRw) == 0 ? 0 : errno);
  charge.Tell(trace, "later");
  munmap(readable, Pages(kN));
  MeasureSync(trace);
  trace.Set("committed_left", CommittedPages() - before);
}

Oracle Expect(const Params&, const Facts& f) {
  const std::int64_t most = f.ram / kPage;
  return AllOf(
      AllOf(Survives(), Count("wrong_accepted", Eq(0)),
            Count("mode_kept", Eq(0)), Count("large", Eq(most)),
            Count("uncharged", Eq(0)), Count("switch_errno", Eq(0)),
            Count("mode_now", Eq(2))),
      AllOf(Count("page_errno", Eq(ENOMEM)),
            Count("noreserve_errno", Eq(ENOMEM)), Count("read_errno", Eq(0)),
            Count("fork_errno", Eq(ENOMEM)), Count("vfork_errno", Eq(0)),
            Count("protect_errno", Eq(0)), Count("grow_errno", Eq(0)),
            Count("refused", Eq(0))),
      AllOf(Count("uncharged_gone", Eq(0)), Count("large_gone", Eq(-most)),
            Count("page_then_errno", Eq(0)), Count("fork_then_errno", Eq(0)),
            Count("charged", Eq(2 * kN)), Count("charged_gone", Eq(-kN)),
            Count("object_gone", Eq(-kN))),
      AllOf(Count("later_errno", Eq(0)), Count("later", Eq(kN)),
            Count("held_back_errno", Eq(ENOMEM)),
            Count("committed_left", Eq(0))));
}

const Register kNeverModeSwitch{
    {.id = "overcommit/never_mode_switch",
     .summary = "mode 2 holds at once, also beyond its limit; old maps stay",
     .explains =
         {.claim = "overcommit.never.mode_switch; seed 2 on the three modes",
          .deed = "commits twice the limit in mode 0, switches to mode 2 and "
                  "back, and maps and unmaps on both sides",
          .functions = "overcommit_policy_handler, sync_overcommit_as, "
                       "accountable_mapping",
          .look_at = "errnos, and pages charged by each step"},
     .blast = Blast::kMachine,
     .needs = {.no_swap = true, .cpus = 2, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
