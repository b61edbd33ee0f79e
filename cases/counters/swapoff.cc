// SPDX-License-Identifier: Apache-2.0
// swapoff brings everything back into RAM, into whosever it is: bytes, RSS and
// VmSwap say so, and nothing is left of the area.
#include <sys/swap.h>
#include <sys/time.h>

#include "cases/counters/readings.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

constexpr Bytes kSwap = 64_MiB;
constexpr Bytes kSize = 8_MiB;

Bytes Total() { return Meminfo("SwapTotal"); }
Bytes Free() { return Meminfo("SwapFree"); }
Bytes Used() { return Total() - Free(); }
Bytes Limit() { return Meminfo("CommitLimit"); }
Bytes VmSwap() { return StatusField("VmSwap"); }

struct Memory : Scene {
  SwapArea area = FindSwapArea(trace);
  Range range = MapAnonymous(trace, kSize);
  Range file = MapFile(trace, MakeMemfd(trace, kSize), kSize,
                       PROT_READ | PROT_WRITE, MAP_SHARED);
  Gate ready{trace};
  Gate go{trace};
  pid_t child = -1;

  void PageOutAndFork() {
    NumberPages(range);
    NumberPages(file);
    PageOut(trace, range);
    PageOut(trace, file);
    child = StartChild(trace, [&] {
      ready.Open();
      go.Pass();
      Set("rss", Rss());
      Set("swap", Swap());
      Set("VmSwap", VmSwap());
      Set("wrong", Wrong());
    });
    ready.Pass();
  }
  int Off() const { return ErrnoOf(swapoff(area.path)); }
  // A signal ends it halfway.
  int OffInterrupted() const {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, nullptr);
    itimerval soon = {};
    soon.it_interval.tv_usec = soon.it_value.tv_usec = 1000;
    setitimer(ITIMER_REAL, &soon, nullptr);
    const int error = Off();
    soon = {};
    setitimer(ITIMER_REAL, &soon, nullptr);
    return error;
  }
  Bytes Rss() const { return ReadMapping(range).rss; }
  Bytes Swap() const { return ReadMapping(range).swap; }
  Bytes FileSwap() const { return ReadMapping(file).swap; }
  std::int64_t Wrong() const {
    return CountMisnumbered(range) + CountMisnumbered(file);
  }
  // Looks at the bytes, and how many pages come from swap for that.
  void Check() const {
    const Growth in{"read again", "pswpin"};
    Set("wrong", Wrong());
    Set(in.name, in.Now());
  }
};

Steps<Memory> Make(const Params&, const Facts& f) {
  // f1a7941243c1 (6.2) counts on each CPU, up to 82241a83cd15 (6.16) read
  // without what they hold back.
  const bool batches =
      f.kernel >= KernelVersion{6, 2} && f.kernel < KernelVersion{6, 16};
  const Bytes lag = batches ? f.cpus * 32 * kPage : 0_B;
  const auto about = [&](Bytes size) {
    return Between(std::max(size - lag, 0_B), size + lag);
  };
  constexpr Bytes kTotal = kSwap - kPage;  // its header
  return {
      {"page out, fork", &Memory::PageOutAndFork, Is("total", Total, kTotal),
       Is("rss", &Memory::Rss, 0_B), Is("swap", &Memory::Swap, kSize),
       Is("VmSwap", VmSwap, about(kSize))},
      {"swapoff, interrupted", &Memory::OffInterrupted, Refused(EINTR),
       Is("total", Total, kTotal), Change("CommitLimit", Limit, 0_B)},
      {"swapoff", &Memory::Off, Is("total", Total, 0_B), Is("free", Free, 0_B),
       Is("rss", &Memory::Rss, kSize), Is("swap", &Memory::Swap, 0_B),
       Is("VmSwap", VmSwap, about(0_B)),
       Is("swap of the memfd", &Memory::FileSwap, 0_B),
       Row<Memory>(&Memory::Check,
                   AllOf(Count("wrong", 0), Count("read again", 0)))},
      {"look in the child",
       [](Memory& m) {
         m.go.Open();
         return Reap(m.child);
       },
       Size("rss", kSize), Size("swap", 0_B), Size("VmSwap", about(0_B)),
       Count("wrong", 0)},
      {"swapon",
       [](Memory& m) {
         Unmap(m.trace, m.file);
         Unmap(m.trace, m.range);
         return ErrnoOf(swapon(m.area.path, 0));
       },
       Is("total", Total, kTotal), Is("used", Used, 0_B)},
  };
}

const Register kSwapoff{
    {.id = "counters/swapoff",
     .summary = "swapoff gives back what was swapped out, to all who share it",
     .claim = "Seed 1: memory observation, swap; swapoff(2); proc(5): VmSwap, "
              "SwapTotal",
     .functions = "try_to_unuse, unuse_pte, shmem_unuse, drain_mmlist",
     .look_at = "VmSwap: a counter that was not given back",
     .blast = Blast::kMachine,
     .needs = {.swap = kSwap, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
