// SPDX-License-Identifier: Apache-2.0
// swapoff brings everything back into RAM, into whosever it is: bytes, RSS and
// VmSwap say so, and nothing is left of the area.
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "oomgate/case.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

constexpr Bytes kSwap = 64_MiB;
constexpr Bytes kSize = 8_MiB;

void Report(Trace& trace, const Range& range, const char* (&&names)[3]) {
  const MappingUsage usage = ReadMapping(range);
  trace.Set(names[0], usage.rss);
  trace.Set(names[1], usage.swap);
  trace.Set(names[2], StatusField("VmSwap"));
}

// A signal ends it halfway; all is as before.
int Interrupted(const SwapArea& area) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  itimerval soon = {};
  soon.it_interval.tv_usec = soon.it_value.tv_usec = 1000;
  setitimer(ITIMER_REAL, &soon, nullptr);
  const int error = swapoff(area.path) == 0 ? 0 : errno;
  soon = {};
  setitimer(ITIMER_REAL, &soon, nullptr);
  return error;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const SwapArea area = FindSwapArea(trace);
  const Bytes total = Meminfo("SwapTotal");
  trace.Set("on_total", total);
  const Range range = MapAnonymous(trace, kSize);
  NumberPages(range);
  const int memfd = static_cast<int>(syscall(SYS_memfd_create, "off", 0U));
  if (memfd < 0 || ftruncate(memfd, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  const Range file =
      MapFile(trace, memfd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
  NumberPages(file);
  PageOut(trace, range);
  PageOut(trace, file);
  Gate ready(trace);
  Gate go(trace);
  const pid_t child = StartChild(trace, [&] {
    ready.Open();
    go.Pass();
    Report(trace, range, {"child_rss", "child_swap", "child_vmswap"});
    trace.Set("child_wrong", CountMisnumbered(range) + CountMisnumbered(file));
  });
  ready.Pass();
  Report(trace, range, {"out_rss", "out_swap", "out_vmswap"});
  const Bytes limit = Meminfo("CommitLimit");
  trace.Set("interrupted_errno", Interrupted(area));
  trace.Set("interrupted_total", Meminfo("SwapTotal"));
  trace.Set("interrupted_limit", Meminfo("CommitLimit") - limit);
  trace.Set("errno", swapoff(area.path) == 0 ? 0 : errno);
  trace.Set("total", Meminfo("SwapTotal"));
  trace.Set("free", Meminfo("SwapFree"));
  Report(trace, range, {"rss", "swap", "vmswap"});
  trace.Set("file_swap", ReadMapping(file).swap);
  const std::int64_t faults = Vmstat("pswpin");
  trace.Set("wrong", CountMisnumbered(range) + CountMisnumbered(file));
  trace.Set("read_again", Vmstat("pswpin") - faults);
  go.Open();
  trace.Set("child_status", Reap(child));
  Unmap(trace, file);
  close(memfd);
  Unmap(trace, range);

  trace.Set("on_errno", swapon(area.path, 0) == 0 ? 0 : errno);
  trace.Set("on_less", total - Meminfo("SwapTotal"));
  trace.Set("on_used", Meminfo("SwapTotal") - Meminfo("SwapFree"));
}

Oracle Expect(const Params&, const Facts& f) {
  // f1a7941243c1 (6.2) counts on each CPU, up to 82241a83cd15 (6.16) read
  // without what they hold back.
  const bool batches =
      f.kernel >= KernelVersion{6, 2} && f.kernel < KernelVersion{6, 16};
  const Bytes lag = batches ? f.cpus * 32 * kPage : 0_B;
  const auto about = [&](const char* name, Bytes size) {
    return Size(name, Between(std::max(size - lag, 0_B), size + lag));
  };
  return AllOf(AllOf(Survives(), Size("out_rss", Eq(0_B)),
                     Size("out_swap", Eq(kSize)), about("out_vmswap", kSize)),
               AllOf(Count("interrupted_errno", Eq(EINTR)),
                     Difference("interrupted_total", "on_total", Eq(0)),
                     Size("interrupted_limit", Eq(0_B))),
               AllOf(Count("errno", Eq(0)), Size("total", Eq(0_B)),
                     Size("free", Eq(0_B)), Size("rss", Eq(kSize)),
                     Size("swap", Eq(0_B)), about("vmswap", 0_B),
                     Size("file_swap", Eq(0_B)), Count("wrong", Eq(0)),
                     Count("read_again", Eq(0))),
               AllOf(Count("child_status", Eq(0)), Size("child_rss", Eq(kSize)),
                     Size("child_swap", Eq(0_B)), about("child_vmswap", 0_B),
                     Count("child_wrong", Eq(0))),
               AllOf(Size("on_total", Eq(kSwap - kPage)),  // its header
                     Count("on_errno", Eq(0)), Size("on_less", Eq(0_B)),
                     Size("on_used", Eq(0_B))));
}

const Register kSwapoff{
    {.id = "counters/swapoff",
     .summary = "swapoff gives back what was swapped out, to all who share it",
     .explains =
         {.claim = "Seed 1: memory observation, swap; swapoff(2); proc(5): "
                   "VmSwap, SwapTotal",
          .deed = "pages out 8 MiB, private and shared with a child, and a "
                  "memfd; switches swap off, interrupted once, and on",
          .functions = "try_to_unuse, unuse_pte, shmem_unuse, drain_mmlist",
          .look_at = "out_… is before, child_… what the child has after; "
                     "vmswap: a counter that was not given back"},
     .blast = Blast::kMachine,
     .needs = {.swap = kSwap, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
