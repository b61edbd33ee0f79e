// SPDX-License-Identifier: Apache-2.0
// A page with a memory error is taken away: who touches it gets SIGBUS with
// BUS_MCEERR_AR, its neighbours stay. Before 6.11 who asks for it, or all where
// the machine is set so, are told before they touch it: BUS_MCEERR_AO; since
// then who poisons its own page has touched it. One that only may fail is
// replaced, with its content and without a signal.
#include <setjmp.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cerrno>

#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr int kSoftOffline = 101;  // MADV_SOFT_OFFLINE
constexpr Bytes kSize = 64 * kPage;
constexpr Bytes kPoisoned = 5 * kPage;
constexpr Bytes kReplaced = 9 * kPage;

sigjmp_buf after_signal;
volatile sig_atomic_t signal_code = 0;
char* volatile signal_address = nullptr;

void OnBusError(int, siginfo_t* info, void*) {
  signal_code = info->si_code;
  signal_address = static_cast<char*>(info->si_addr);
  siglongjmp(after_signal, 1);
}

// The code of the SIGBUS that a deed got, 0 for none.
template <typename Deed>
int CodeOf(Deed deed) {
  signal_code = 0;
  if (sigsetjmp(after_signal, 1) == 0) deed();
  return signal_code;
}
int CodeOfRead(volatile char* at) {
  return CodeOf([&] { (void)*at; });
}
int CodeOfWrite(volatile char* at) {
  return CodeOf([&] { *at = 2; });
}

Bytes Corrupted() { return Meminfo("HardwareCorrupted"); }

void Poison(Trace& trace) {
  const Range range = MapAnonymous(trace, kSize);
  WritePages(trace, range);
  const Bytes corrupted = Corrupted();
  const Range page = range.Part(kPoisoned, kPage);
  // Since 6.11 who poisons is as one who touched, and is told at once.
  trace.Set("poison_code", CodeOf([&] { TryAdvise(page, MADV_HWPOISON); }));
  trace.Set("poison_address", signal_address - page.start);
  trace.Set("poison_corrupted", Corrupted() - corrupted);
  trace.Set("poison_frame", static_cast<std::int64_t>(Frame(page.start)));
  trace.Set("read_code", CodeOfRead(page.start));
  trace.Set("read_address", signal_address - page.start);
  trace.Set("write_code", CodeOfWrite(page.start + 100));
  trace.Set("other_bytes", CountOther(range.Part(0_B, kPoisoned), 1) +
                               CountOther(range.Part(kPoisoned + kPage,
                                                     kSize - kPoisoned - kPage),
                                          1));
  // Given up, the place is as any other, and the frame stays bad.
  trace.Set("dontneed_errno", TryAdvise(page, MADV_DONTNEED));
  trace.Set("again_code", CodeOfWrite(page.start));
  trace.Set("again_rss", ReadMapping(range).rss);
  Unmap(trace, range);
  trace.Set("left_corrupted", Corrupted() - corrupted);
}

// The code of the signal at the poisoning, by when the process wants to know.
int CodeOfPoison(Trace& trace, int when) {
  prctl(PR_MCE_KILL, PR_MCE_KILL_SET, when, 0, 0);
  const Range range = MapAnonymous(trace, kPage);
  WritePages(trace, range);
  const int code = CodeOf([&] { TryAdvise(range, MADV_HWPOISON); });
  Unmap(trace, range);
  prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
  return code;
}

void EarlyOrLate(Trace& trace) {
  constexpr const char* kEarly = "/proc/sys/vm/memory_failure_early_kill";
  trace.Set("early_code", CodeOfPoison(trace, PR_MCE_KILL_EARLY));
  WriteKnob(trace, kEarly, "1");
  trace.Set("all_early_code", CodeOfPoison(trace, PR_MCE_KILL_DEFAULT));
  trace.Set("late_code", CodeOfPoison(trace, PR_MCE_KILL_LATE));
  WriteKnob(trace, kEarly, "0");
}

void SoftOffline(Trace& trace) {
  const Range range = MapAnonymous(trace, kSize);
  WritePages(trace, range);
  const Bytes corrupted = Corrupted();
  const Range page = range.Part(kReplaced, kPage);
  page.start[kPage.count - 1] = 77;
  const std::uint64_t frame = Frame(page.start);
  trace.Set("soft_errno", TryAdvise(page, kSoftOffline));
  trace.Set("soft_corrupted", Corrupted() - corrupted);
  trace.Set("soft_moved", Frame(page.start) != frame ? 1 : 0);
  trace.Set("soft_rss", ReadMapping(range).rss);
  trace.Set("soft_code", CodeOfRead(page.start));
  trace.Set("soft_other", CountOther(range, 1));
  trace.Set("soft_last_byte", page.start[kPage.count - 1]);
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  struct sigaction action = {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
  Poison(trace);
  EarlyOrLate(trace);
  SoftOffline(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  const bool told = f.kernel >= KernelVersion{6, 11};
  const Oracle poisoned = AllOf(
      told ? AllOf(Count("poison_code", Eq(BUS_MCEERR_AR)),
                   Count("poison_address", Eq(0)))
           : Count("poison_code", Eq(0)),
      AllOf(Size("poison_corrupted", Eq(kPage)), Count("poison_frame", Eq(0)),
            Count("read_code", Eq(BUS_MCEERR_AR)), Count("read_address", Eq(0)),
            Count("write_code", Eq(BUS_MCEERR_AR))),
      AllOf(Count("other_bytes", Eq(0)), Count("dontneed_errno", Eq(0)),
            Count("again_code", Eq(0)), Size("again_rss", Eq(kSize)),
            Size("left_corrupted", Eq(kPage))));
  const auto signal = [&](const char* name, int code) {
    return Count(name, Eq(told ? BUS_MCEERR_AR : code));
  };
  const Oracle asked =
      AllOf(signal("early_code", BUS_MCEERR_AO),
            signal("all_early_code", BUS_MCEERR_AO), signal("late_code", 0));
  const Oracle replaced =
      AllOf(Count("soft_errno", Eq(0)), Size("soft_corrupted", Eq(kPage)),
            Count("soft_moved", Eq(1)), Size("soft_rss", Eq(kSize)),
            Count("soft_code", Eq(0)), Count("soft_other", Eq(0)),
            Count("soft_last_byte", Eq(77)));
  return AllOf(Survives(), poisoned, asked, replaced);
}

// Taken out by the configuration: then the kernel does not know of any.
std::string Probe(const Params&, const Facts&) {
  return Corrupted() < 0_B ? "this kernel has no CONFIG_MEMORY_FAILURE" : "";
}

const Register kHwpoison{
    {.id = "madvise/hwpoison",
     .summary = "a bad page is a SIGBUS for who touches it, a doubtful one is "
                "replaced",
     .explains =
         {.claim = "Seed 1: the list of madvise, MADV_HWPOISON and "
                   "MADV_SOFT_OFFLINE (madvise.soft_offline); mm/hwpoison",
          .deed = "poisons pages of its own, wanting to know early or late, "
                  "and touches them, takes one offline softly",
          .functions = "memory_failure, hwpoison_user_mappings, do_swap_page, "
                       "soft_offline_page",
          .look_at = "read_code 4 is BUS_MCEERR_AR; HardwareCorrupted counts "
                     "what the machine has lost"},
     .needs = {.alone = true},  // the pages are lost until the next boot
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
