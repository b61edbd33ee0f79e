// SPDX-License-Identifier: Apache-2.0
// system(3) and popen(3) share their caller's memory until they exec: they go
// on where a mapping beyond RAM + swap makes fork fail.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr const char* kShell = "/bin/sh";
// A program for x86-64 that exits with 7: a guest has no shell.
constexpr unsigned char kExit7[] = {
    // The header: ELF, 64 bit; entry at 0x400078; program headers at 64.
    0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,  //
    2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0, 0,    //
    64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,          //
    0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0,         //
    // One segment: all of the file at 0x400000, to read and execute.
    1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,        //
    0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,  //
    132, 0, 0, 0, 0, 0, 0, 0, 132, 0, 0, 0, 0, 0, 0, 0,    //
    0, 0x10, 0, 0, 0, 0, 0, 0,                             //
    0xbf, 7, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};      // _exit(7)

// Whether it had to make one.
bool MakeShell(Trace& trace) {
  if (access(kShell, X_OK) == 0) return false;
  mkdir("/bin", 0755);
  const int fd =
      Must(trace, kShell, open(kShell, O_WRONLY | O_CREAT | O_EXCL, 0755));
  Must(trace, kShell, write(fd, kExit7, sizeof kExit7));
  close(fd);
  return true;
}

struct Caller : Scene {
  bool made = MakeShell(trace);
  ~Caller() {
    if (made) unlink(kShell);
  }
};

// Their wait(2) statuses: 7 << 8 is an exit with 7.
void Call(Caller& s) {
  s.Set("system", system("exit 7"));
  FILE* const pipe = popen("exit 7", "r");
  s.Set("popen", pipe != nullptr ? pclose(pipe) : -1);
}

// They are libc's work: those that fork have their own answer.
std::string WhyNot(const Params&, const Facts&) {
#if defined(__x86_64__) && defined(__GLIBC__) && \
    (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 30)
  return "";
#else
  return "not glibc since 2.30, which spawns without copying, on x86-64";
#endif
}

Steps<Caller> Make(const Params&, const Facts&) {
  const Oracle exited = AllOf(Count("system", 7 << 8), Count("popen", 7 << 8));
  return {{"call both", Call, exited},
          {"map beyond RAM + swap",
           [](Caller& s) { MapBeyondFork(s.trace, s.f); }, ForkGives(ENOMEM)},
          {"call both again", Call, exited}};
}

const Register kLibcSystemPopen{
    {.id = "fork/libc_system_popen",
     .summary = "system and popen work where fork gets ENOMEM",
     .claim = "Seed 2: \"system and popen fork\": not since glibc 2.30, which "
              "uses CLONE_VM and CLONE_VFORK",
     .functions = "copy_process with CLONE_VM, copy_mm",
     .look_at = "another status: shared memory is checked as if it were copied",
     .needs = {.alone = true,  // it may put a shell there
               .settings = {kVmKnobs.With("overcommit_memory", "0")}},
     .probe = WhyNot,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
