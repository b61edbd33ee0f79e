// SPDX-License-Identifier: Apache-2.0
// What /proc says of a process's size is the sum of its mappings, class by
// class, after every way to change them.
#include "cases/counters/statm.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;

// The sums over /proc/self/maps, by the rules of mm/mmap.c.
struct Sums {
  Bytes all;
  Bytes data;  // private and writable, but for the stack
  Bytes code;  // executable and not writable
  Bytes stack;
};

Sums ReadMaps() {
  Sums sums;
  char* rest = ReadWhole("/proc/self/maps");
  while (const char* const line = strsep(&rest, "\n")) {
    unsigned long from = 0;
    unsigned long to = 0;
    char may[5] = {};  // "rw-p"
    if (std::sscanf(line, "%lx-%lx %4s", &from, &to, may) != 3) continue;
    // The gate page of old is in the list, and in no process.
    if (std::strstr(line, "[vsyscall]") != nullptr) continue;
    const Bytes size{static_cast<std::int64_t>(to - from)};
    sums.all += size;
    if (std::strstr(line, "[stack]") != nullptr) {
      sums.stack += size;
    } else if (may[1] == 'w') {
      if (may[3] == 'p') sums.data += size;
    } else if (may[2] == 'x') {
      sums.code += size;
    }
  }
  return sums;
}

Bytes Size() { return StatusField("VmSize"); }
Bytes Data() { return StatusField("VmData"); }
Bytes Stack() { return StatusField("VmStk"); }
Bytes Code() { return StatusField("VmExe") + StatusField("VmLib"); }

struct Process : Scene {
  RssSync sync{trace};
  Range range = {};

  Bytes Rss() const { return ReadMapping(range).rss; }

  // By how much the kernel's numbers differ from the sums.
  void Compare() const {
    sync.Now();
    const Sums sums = ReadMaps();
    Statm statm(trace);
    Set("size", Size() - sums.all);
    Set("data", Data() - sums.data);
    Set("stack", Stack() - sums.stack);
    Set("code", Code() - sums.code);
    Set("statm", statm.size * kPage - sums.all);
    const Bytes rss = StatusField("VmRSS");
    const Bytes walked = MappingField(kAll, "Rss");
    Set("rss", rss - walked);
    Set("rollup", FieldIn("/proc/self/smaps_rollup", "Rss") * 1_KiB - walked);
  }
};

// Touches a page for every frame.
__attribute__((noinline)) int Deepen(int frames) {
  volatile char page[4096];
  page[0] = static_cast<char>(frames);
  return frames == 0 ? page[0] : Deepen(frames - 1) + page[0];
}

Steps<Process> Make(const Params&, const Facts&) {
  const Oracle no_difference = AllOf(
      Count("size", 0), Count("data", 0), Count("stack", 0), Count("code", 0),
      Count("statm", 0), Count("rss", 0), Count("rollup", 0));
  const Row<Process> equal(&Process::Compare, no_difference);
  return {
      StepOf<Process>(
          "look for the first time",
          [](Process& s) {
            MapCode();
            s.Compare();
          },
          equal)
          .HoldsWithout("the first look faults in what all others need"),
      {"map and write 4 MiB",
       [](Process& s) {
         s.range = MapAnonymous(s.trace, kSize);
         WritePages(s.trace, s.range);
       },
       equal, Change("VmData", Data, kSize),
       Is("own rss", &Process::Rss, kSize)},
      {"write-protect it",
       [](Process& s) { return TryProtect(s.range, PROT_READ); }, equal,
       Change("VmData", Data, 0_B - kSize)},
      {"make it executable",
       [](Process& s) { return TryProtect(s.range, PROT_READ | PROT_EXEC); },
       equal, Change("VmExe + VmLib", Code, kSize)},
      {"make it writable, unmap a page in it",
       [](Process& s) {
         Protect(s.trace, s.range, PROT_READ | PROT_WRITE);
         return TryUnmap(s.range.Part(kSize / 2, kPage));
       },
       equal, Change("VmSize", Size, 0_B - kPage)},
      {"grow its first half threefold",
       [](Process& s) {
         s.range = Remap(s.trace, s.range.Part(0_B, kSize / 2), kSize * 3 / 2,
                         MREMAP_MAYMOVE);
       },
       equal, Change("VmSize", Size, kSize)},
      {"shrink that to a sixth",
       [](Process& s) { return TryRemap(s.range, kSize / 4, 0); }, equal,
       Change("VmSize", Size, 0_B - kSize * 5 / 4)},
      {"map over half of it",
       [](Process& s) {
         return TryMapOver(s.range.Part(0_B, kSize / 8), PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS);
       },
       equal, Change("VmData", Data, 0_B - kSize / 8)},
      {"raise the break", [] { return ErrnoOf(sbrk(kSize.count)); }, equal,
       Change("VmSize", Size, kSize)},
      {"lower the break", [] { return ErrnoOf(sbrk(-kSize.count)); }, equal,
       Change("VmSize", Size, 0_B - kSize)},
      // 200 frames of a page and what a call needs.
      {"deepen the stack", [](Process& s) { s.Set("frames", Deepen(200)); },
       equal, Change("VmStk", Stack, Ge(640_KiB))},
      {"look in a child",
       [](Process& s) {
         return RunChild(s.trace, [&] {
           s.Compare();  // the first faults in what it needs
           s.Compare();
         });
       },
       no_difference},
      {"unmap what is left", [](Process& s) { return TryUnmap(s.range); },
       equal, Change("VmSize", Size, 0_B - kSize / 4)},
  };
}

const Register kProcIdentity{
    {.id = "counters/proc_identity",
     .summary = "VmSize, VmData, VmStk, VmExe + VmLib and RSS are sums of maps",
     .claim = "proc(5); seed 1: memory observation: what a monitor adds up "
              "must be what the kernel says",
     .functions = "vm_stat_account, task_mem, task_statm, mprotect_fixup, "
                  "move_vma, acct_stack_growth",
     .probe = WhyInexactRss,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
