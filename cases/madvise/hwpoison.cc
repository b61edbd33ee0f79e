// SPDX-License-Identifier: Apache-2.0
// A page with a memory error is taken away: a touch gets SIGBUS with
// BUS_MCEERR_AR, its neighbours stay. Before 6.11 a process that asks for it,
// or all where the machine is set so, are told before they touch it:
// BUS_MCEERR_AO; since then the process that poisons its own page has touched
// it. A page that only may fail is replaced, with its content and no signal.
#include <setjmp.h>
#include <sys/prctl.h>

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

Bytes Corrupted() { return Meminfo("HardwareCorrupted"); }

void Read(char* at) { (void)*static_cast<volatile char*>(at); }
void Write(char* at) { *static_cast<volatile char*>(at) = 2; }

struct Memory : Scene {
  Range range = MapAnonymous(trace, kSize);
  Range page = range.Part(kPoisoned, kPage);
  Range doubtful = MapAnonymous(trace, kSize);
  Range replaced = doubtful.Part(kReplaced, kPage);
  Bytes before = oomgate::Corrupted();

  Bytes Corrupted() const { return oomgate::Corrupted() - before; }
  std::int64_t FrameOfPage() const {
    return static_cast<std::int64_t>(Frame(page.start));
  }
  std::int64_t OtherBeside() const {
    return CountOther(range.Part(0_B, kPoisoned), 1) +
           CountOther({.start = page.end(), .size = kSize - kPoisoned - kPage},
                      1);
  }
  std::int64_t OtherDoubtful() const { return CountOther(doubtful, 1); }
  char& LastByte() const { return replaced.start[kPage.count - 1]; }
  // Leaves the code of the SIGBUS that a deed got, 0 for none, and its address.
  template <typename Deed>
  void CodeOf(Deed deed) const {
    signal_code = 0;
    if (sigsetjmp(after_signal, 1) == 0) deed();
    Set("code", static_cast<std::int64_t>(signal_code));
    Set("address", signal_address - page.start);
  }
};

void SetUp(Memory& m) {
  struct sigaction action = {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
  WritePages(m.trace, m.range);
  WritePages(m.trace, m.doubtful);
  m.LastByte() = 77;
}

// A page of its own, by when the process wants to know.
auto PoisonAnother(int when) {
  return [=](Memory& m) {
    prctl(PR_MCE_KILL, PR_MCE_KILL_SET, when, 0, 0);
    const Range own = MapAnonymous(m.trace, kPage);
    WritePages(m.trace, own);
    m.CodeOf([&] { TryAdvise(own, MADV_HWPOISON); });
    Unmap(m.trace, own);
    prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
  };
}

int ReplaceIt(Memory& m) {
  const std::uint64_t frame = Frame(m.replaced.start);
  const int error = TryAdvise(m.replaced, kSoftOffline);
  m.Set("moved", Frame(m.replaced.start) != frame ? 1 : 0);
  m.CodeOf([&] { Read(m.replaced.start); });
  return error;
}

Steps<Memory> Make(const Params&, const Facts& f) {
  const bool told = f.kernel >= KernelVersion{6, 11};
  const auto code = [](int expected) { return Count("code", expected); };
  const auto early = code(told ? BUS_MCEERR_AR : BUS_MCEERR_AO);
  const auto address = [](std::int64_t at) { return Count("address", at); };
  const auto rss = [](Range Memory::*of) {
    return Is(
        "rss", [=](Memory& m) { return ReadMapping(m.*of).rss; }, kSize);
  };
  return {
      {"set up", SetUp},
      {"poison a page",
       [](Memory& m) { m.CodeOf([&] { TryAdvise(m.page, MADV_HWPOISON); }); },
       told ? AllOf(code(BUS_MCEERR_AR), address(0)) : code(0),
       Is("corrupted", &Memory::Corrupted, kPage),
       Is("frame", &Memory::FrameOfPage, 0)},
      {"read it", [](Memory& m) { m.CodeOf([&] { Read(m.page.start); }); },
       code(BUS_MCEERR_AR), address(0)},
      {"write to it",
       [](Memory& m) { m.CodeOf([&] { Write(m.page.start + 100); }); },
       code(BUS_MCEERR_AR)},
      {"read its neighbours", [] {}, Is("other", &Memory::OtherBeside, 0)},
      // Given up, the place is as any other, and the frame stays bad.
      {"give it up",
       [](Memory& m) { return TryAdvise(m.page, MADV_DONTNEED); }},
      {"write there again",
       [](Memory& m) { m.CodeOf([&] { Write(m.page.start); }); }, code(0),
       rss(&Memory::range)},
      {"unmap all", [](Memory& m) { Unmap(m.trace, m.range); },
       Is("corrupted", &Memory::Corrupted, kPage)},

      {"poison, told early", PoisonAnother(PR_MCE_KILL_EARLY), early},
      {"tell all processes early",
       [] { return kVmKnobs.Write("memory_failure_early_kill", 1); }},
      {"poison, told as all are", PoisonAnother(PR_MCE_KILL_DEFAULT), early},
      {"poison, told late", PoisonAnother(PR_MCE_KILL_LATE),
       code(told ? BUS_MCEERR_AR : 0)},
      {"tell none early",
       [] { return kVmKnobs.Write("memory_failure_early_kill", 0); }},

      {"take a page offline softly", ReplaceIt,
       Change("corrupted", &Memory::Corrupted, kPage), Count("moved", 1),
       code(0), rss(&Memory::doubtful), Is("other", &Memory::OtherDoubtful, 0),
       Is("last byte", &Memory::LastByte, 77)},
  };
}

// Taken out by the configuration: then the kernel does not know of any.
std::string Probe(const Params&, const Facts&) {
  return Corrupted() < 0_B ? "this kernel has no CONFIG_MEMORY_FAILURE" : "";
}

const Register kHwpoison{
    {.id = "madvise/hwpoison",
     .summary = "a bad page is a SIGBUS for who touches it, a doubtful one is "
                "replaced",
     .claim = "Seed 1: the list of madvise, MADV_HWPOISON and "
              "MADV_SOFT_OFFLINE (madvise.soft_offline); mm/hwpoison",
     .functions = "memory_failure, hwpoison_user_mappings, do_swap_page, "
                  "soft_offline_page",
     .look_at = "code 4 is BUS_MCEERR_AR, 5 BUS_MCEERR_AO",
     .needs = {.alone = true},  // the pages are lost until the next boot
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
