// SPDX-License-Identifier: Apache-2.0
// What /proc says of a process's size is the sum of its mappings, class by
// class, after every way to change them.
#include <cstring>

#include "cases/counters/statm.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;

// The sums over /proc/self/maps, by the rules of mm/mmap.c.
struct Sums {
  std::int64_t all = 0;
  std::int64_t data = 0;  // private and writable, but for the stack
  std::int64_t code = 0;  // executable and not writable
  std::int64_t stack = 0;
};

Sums ReadMaps() {
  static char text[64 << 10];
  const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  std::size_t filled = 0;
  ssize_t n = 0;
  while ((n = read(fd, text + filled, sizeof text - 1 - filled)) > 0) {
    filled += static_cast<std::size_t>(n);
  }
  close(fd);
  text[filled] = '\0';
  Sums sums;
  for (char* line = text; *line != '\0';) {
    char* end = std::strchr(line, '\n');
    *end = '\0';
    char* at = line;
    const auto from = std::strtoull(at, &at, 16);
    const auto size =
        static_cast<std::int64_t>(std::strtoull(at + 1, &at, 16) - from);
    // "7f0000000000-7f0000001000 rw-p …"
    const bool write = at[2] == 'w';
    const bool stack = std::strstr(at, "[stack]") != nullptr;
    // The gate page of old is in the list, and in no process.
    const bool gate = std::strstr(at, "[vsyscall]") != nullptr;
    if (!gate) sums.all += size;
    if (!gate && stack) sums.stack += size;
    if (!gate && !stack && write && at[4] == 'p') sums.data += size;
    if (!gate && !stack && !write && at[3] == 'x') sums.code += size;
    line = end + 1;
  }
  return sums;
}

// By how much the kernel's numbers differ, as "<step>_size" and so on.
void Check(Trace& trace, const RssSync& sync, const char* step) {
  sync.Now();
  const Sums sums = ReadMaps();
  Statm statm(trace);
  const Bytes size = StatusField("VmSize");
  const Bytes data = StatusField("VmData");
  const Bytes stack = StatusField("VmStk");
  const Bytes code = StatusField("VmExe") + StatusField("VmLib");
  const Bytes rss = StatusField("VmRSS");
  const Bytes walked = MappingField({.size = Bytes{INT64_MAX}}, "Rss");
  const Bytes rolled = FieldIn("/proc/self/smaps_rollup", "Rss") * 1_KiB;
  const struct {
    const char* name;
    std::int64_t error;
  } errors[] = {{"size", size.count - sums.all},
                {"data", data.count - sums.data},
                {"stack", stack.count - sums.stack},
                {"code", code.count - sums.code},
                {"statm", statm.size * kPage.count - sums.all},
                {"rss", rss.count - walked.count},
                {"rollup", rolled.count - walked.count}};
  for (const auto& one : errors) {
    char name[48];
    std::snprintf(name, sizeof name, "%s_%s", step, one.name);
    trace.Set(name, one.error);
  }
}

constexpr const char* kSteps[] = {"start", "mapped", "readonly", "code",
                                  "split", "grown",  "shrunk",   "over",
                                  "brk",   "stack",  "child",    "end"};

// Touches a page for every frame.
__attribute__((noinline)) int Deepen(int frames) {
  volatile char page[4096];
  page[0] = static_cast<char>(frames);
  return frames == 0 ? page[0] : Deepen(frames - 1) + page[0];
}

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();
  const RssSync sync(trace);
  Check(trace, sync, "start");  // the first faults in what it needs
  Check(trace, sync, "start");
  Range range = MapAnonymous(trace, kSize);
  WritePages(trace, range);
  Check(trace, sync, "mapped");
  Protect(trace, range, PROT_READ);
  Check(trace, sync, "readonly");
  Protect(trace, range, PROT_READ | PROT_EXEC);
  Check(trace, sync, "code");
  Protect(trace, range, PROT_READ | PROT_WRITE);
  munmap(range.start + kSize.count / 2, static_cast<std::size_t>(kPage.count));
  Check(trace, sync, "split");
  const auto half = static_cast<std::size_t>(kSize.count / 2);
  void* const grown = mremap(range.start, half, 3 * half, MREMAP_MAYMOVE);
  if (grown == MAP_FAILED) trace.Stop("mremap", errno);
  Check(trace, sync, "grown");
  if (mremap(grown, 3 * half, half / 2, 0) != grown) {
    trace.Stop("mremap", errno);
  }
  Check(trace, sync, "shrunk");
  if (mmap(grown, half / 4, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
           -1, 0) != grown) {
    trace.Stop("mmap over", errno);
  }
  Check(trace, sync, "over");
  if (sbrk(kSize.count) == reinterpret_cast<void*>(-1)) {
    trace.Stop("sbrk", errno);
  }
  Check(trace, sync, "brk");
  sbrk(-kSize.count);
  const Bytes stack = StatusField("VmStk");
  trace.Set("frames", Deepen(200) != 0);
  trace.Set("stack_grew", StatusField("VmStk") - stack);
  Check(trace, sync, "stack");
  const pid_t child = StartChild(trace, [&] {
    const RssSync own(trace);
    Check(trace, own, "child");  // the first faults in what it needs
    Check(trace, own, "child");
  });
  Reap(child);
  Check(trace, sync, "end");
}

Oracle Expect(const Params&, const Facts&) {
  // 200 frames of a page and what a call needs.
  Oracle all = AllOf(Survives(), Size("stack_grew", Ge(640_KiB)));
  for (const char* step : kSteps) {
    for (const char* what :
         {"size", "data", "stack", "code", "statm", "rss", "rollup"}) {
      all = AllOf(all, Size(std::string(step) + "_" + what, Eq(0_B)));
    }
  }
  return all;
}

const Register kProcIdentity{
    {.id = "counters/proc_identity",
     .summary = "VmSize, VmData, VmStk, VmExe + VmLib and RSS are sums of maps",
     .explains =
         {.claim = "proc(5); seed 1: memory observation: what a monitor adds "
                   "up must be what the kernel says",
          .deed = "maps, protects, splits, grows, shrinks, maps over, moves "
                  "the break, deepens the stack, forks; adds up after each",
          .functions = "vm_stat_account, task_mem, task_statm, mprotect_fixup, "
                       "move_vma, acct_stack_growth",
          .look_at = "the first step with a number that is not 0 is the one "
                     "that counts wrongly, and by how much"},
     .probe = WhyInexactRss,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
