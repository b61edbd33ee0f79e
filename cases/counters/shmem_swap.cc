// SPDX-License-Identifier: Apache-2.0
// Swap of a mapping of shared memory is what is swapped out of the part that it
// maps: a window onto a memfd has no more of it than the window shows.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;  // of the file
constexpr Bytes kOut = 6_MiB;   // from its beginning: in swap

struct Window {
  const char* name;
  Bytes from;
  Bytes size;
  int prot;
  int flags;
};

constexpr int kRead = PROT_READ;
constexpr int kWrite = PROT_READ | PROT_WRITE;

constexpr Window kWindows[] = {
    {"all", 0_B, kSize, kWrite, MAP_SHARED},
    {"first", 0_B, 1_MiB, kWrite, MAP_SHARED},
    {"middle", 3_MiB, 1_MiB, kWrite, MAP_SHARED},
    {"across", 5_MiB, 2_MiB, kWrite, MAP_SHARED},
    {"last", 7_MiB, 1_MiB, kWrite, MAP_SHARED},
    // Beyond the end of the file.
    {"longer", 0_B, 2 * kSize, kWrite, MAP_SHARED},
    {"shifted", 2_MiB, 2 * kSize, kWrite, MAP_SHARED},
    {"read_first", 0_B, 1_MiB, kRead, MAP_SHARED},
    {"private_read", 0_B, 1_MiB, kRead, MAP_PRIVATE},
    {"private_first", 0_B, 1_MiB, kWrite, MAP_PRIVATE | MAP_NORESERVE},
    {"private_across", 5_MiB, 2_MiB, kWrite, MAP_PRIVATE | MAP_NORESERVE},
};

std::int64_t Rollup() { return FieldIn("/proc/self/smaps_rollup", "Swap"); }

// Read back, it is no longer in swap; cut off, no longer in the file.
void Return(Trace& trace, int file) {
  const Range range = MapFile(trace, file, kSize, kRead, MAP_SHARED);
  trace.Set("returned.wrong", CountOther(range, 1));
  trace.Set("returned.swap", ReadMapping(range).swap);
  Unmap(trace, range);
  struct stat of = {};
  fstat(file, &of);
  trace.Set("returned.blocks", of.st_blocks * 512_B);
  if (ftruncate(file, 0) != 0) trace.Stop("ftruncate", errno);
  fstat(file, &of);
  trace.Set("cut.blocks", of.st_blocks * 512_B);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "swap", 0U));
  if (file < 0 || ftruncate(file, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  const Range range = MapFile(trace, file, kSize, kWrite, MAP_SHARED);
  WritePages(trace, range);
  const Range out = range.Part(0_B, kOut);
  PageOut(trace, out);
  trace.Set("vm_swap", StatusField("VmSwap"));
  Unmap(trace, range);

  for (const Window& window : kWindows) {
    const std::int64_t rollup = Rollup();
    // With no tables of others around it.
    const Range range = MapAnonymous(trace, window.size, {.prot = PROT_NONE});
    if (mmap(range.start, Length(window.size), window.prot,
             window.flags | MAP_FIXED, file, window.from.count) == MAP_FAILED) {
      trace.Stop("mmap of a window", errno);
    }
    const MappingUsage usage = ReadMapping(range);
    char name[48];
    std::snprintf(name, sizeof name, "%s.swap", window.name);
    trace.Set(name, usage.swap);
    std::snprintf(name, sizeof name, "%s.rollup", window.name);
    trace.Set(name, (Rollup() - rollup) * 1_KiB);
    Unmap(trace, range);
  }
  Return(trace, file);
  close(file);
}

Oracle Expect(const Params&, const Facts& f) {
  // 10c848c8b480 (5.16); before, a walk found nothing where there is no table.
  const bool walks = f.kernel >= KernelVersion{5, 16};
  Oracle windows = Survives();
  for (const Window& window : kWindows) {
    const std::string name = window.name;
    const bool walked =
        window.prot == kWrite && (window.flags & MAP_PRIVATE) != 0;
    const Bytes shown =
        std::max(0_B, std::min(window.from + window.size, kOut) - window.from);
    const Bytes swap = walks || !walked ? shown : 0_B;
    windows = AllOf(windows, Size(name + ".swap", Eq(swap)),
                    Size(name + ".rollup", Eq(swap)));
  }
  // What is of a file in swap is nobody's own.
  return AllOf(windows, Size("vm_swap", Eq(0_B)),
               Count("returned.wrong", Eq(0)), Size("returned.swap", Eq(0_B)),
               Size("returned.blocks", Eq(kSize)), Size("cut.blocks", Eq(0_B)));
}

const Register kShmemSwap{
    {.id = "counters/shmem_swap",
     .summary = "smaps: Swap of a window onto a memfd is that of the window",
     .explains =
         {.claim =
              "Seed 1: memory observation, swap; Documentation/filesystems/"
              "proc: Swap of shmem is of what the mapping covers",
          .deed = "pages 6 of the 8 MiB of a memfd out, and looks at it "
                  "through windows: short, late, long, private",
          .functions = "shmem_swap_usage, shmem_partial_swap_usage, "
                       "smaps_pte_hole, smap_gather_stats",
          .look_at = "<window>.swap is of smaps, .rollup what smaps_rollup "
                     "grew by"},
     .needs = {.swap = 64_MiB, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
