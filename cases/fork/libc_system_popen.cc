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
    // mov edi, 7; mov eax, 60; syscall
    0xbf, 7, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};

void MakeShell(Trace& trace) {
  mkdir("/bin", 0755);
  const int fd = open(kShell, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  if (fd < 0 || write(fd, kExit7, sizeof kExit7) != sizeof kExit7) {
    trace.Stop(kShell, errno);
  }
  close(fd);
}

struct Caller : Scene {
  bool has_shell = access(kShell, X_OK) == 0;
};

// Their wait(2) statuses.
void Call(Caller& s) {
  s.Set("system", system("exit 7"));
  FILE* const pipe = popen("exit 7", "r");
  s.Set("popen", pipe != nullptr ? pclose(pipe) : -1);
}

void CallFirst(Caller& s) {
  if (!s.has_shell) MakeShell(s.trace);
  Call(s);
}

void CallAgain(Caller& s) {
  Call(s);
  if (!s.has_shell) unlink(kShell);
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
  constexpr int kExited7 = 7 << 8;
  const Oracle exited =
      AllOf(Count("system", kExited7), Count("popen", kExited7));
  return {
      {"call both", CallFirst, exited},
      {"map beyond RAM + swap", [](Caller& s) { MapBeyondFork(s.trace, s.f); },
       Is("fork errno", TryFork, ENOMEM)},
      {"call both again", CallAgain, exited}};
}

const Register kLibcSystemPopen{
    {.id = "fork/libc_system_popen",
     .summary = "system and popen work where fork gets ENOMEM",
     .claim = "Seed 2: \"system and popen fork\": not since glibc 2.30, which "
              "uses CLONE_VM and CLONE_VFORK",
     .functions = "copy_process with CLONE_VM, copy_mm",
     .look_at = "a status that changes says that a shared memory is checked as "
                "if it were copied",
     // It puts a shell there where there is none.
     .needs = {.alone = true,
               .settings = {kVmKnobs.With("overcommit_memory", "0")}},
     .probe = WhyNot,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
