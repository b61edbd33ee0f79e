// SPDX-License-Identifier: Apache-2.0
// Swap of a mapping of shared memory is what is swapped out of the part that it
// maps: a window onto a memfd has no more of it than the window shows.
#include "cases/counters/readings.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;  // of the file
constexpr Bytes kOut = 6_MiB;   // from its beginning: in swap
constexpr int kRead = PROT_READ;
constexpr int kWrite = PROT_READ | PROT_WRITE;

struct Window {
  const char* name;
  Bytes from;
  Bytes size;
  int prot = kWrite;
  int flags = MAP_SHARED;
};
constexpr Window kWindows[] = {
    {"all", 0_B, kSize},
    {"first", 0_B, 1_MiB},
    {"middle", 3_MiB, 1_MiB},
    {"across", 5_MiB, 2_MiB},
    {"last", 7_MiB, 1_MiB},
    // Beyond the end of the file.
    {"longer", 0_B, 2 * kSize},
    {"shifted", 2_MiB, 2 * kSize},
    {"first, to read", 0_B, 1_MiB, kRead},
    {"first, private to read", 0_B, 1_MiB, kRead, MAP_PRIVATE},
    {"first, private", 0_B, 1_MiB, kWrite, MAP_PRIVATE | MAP_NORESERVE},
    {"across, private", 5_MiB, 2_MiB, kWrite, MAP_PRIVATE | MAP_NORESERVE},
};

const auto Rollup = InRollup("Swap");

struct File : Scene {
  int memfd = MakeMemfd(trace, kSize);
  Range range = {};

  Bytes Swap() const { return ReadMapping(range).swap; }
  void LookThrough(const Window& window) const {
    const Bytes before = Rollup();
    const Range range = MapFile(trace, memfd, window.size, window.prot,
                                window.flags, window.from);
    Set("swap", ReadMapping(range).swap);
    Set("rollup", Rollup() - before);
    Unmap(trace, range);
  }
  Bytes Blocks() const {
    struct stat of = {};
    fstat(memfd, &of);
    return of.st_blocks * 512_B;
  }
};

Steps<File> Make(const Params&, const Facts& f) {
  // 10c848c8b480 (5.16); before, a walk found nothing where there is no table.
  const bool walks = f.kernel >= KernelVersion{5, 16};
  Steps<File> steps = {
      // What is of a file in swap is nobody's own.
      {"page out 6 of 8 MiB",
       [](File& s) {
         s.range = MapFile(s.trace, s.memfd, kSize, kWrite, MAP_SHARED);
         WritePages(s.trace, s.range);
         PageOut(s.trace, s.range.Part(0_B, kOut));
       },
       Is("VmSwap", InStatus("VmSwap"), 0_B), Is("swap", &File::Swap, kOut)},
      {"unmap it", [](File& s) { return TryUnmap(s.range); },
       Is("rollup", Rollup, 0_B)}};
  for (const Window& window : kWindows) {
    const bool walked =
        window.prot == kWrite && (window.flags & MAP_PRIVATE) != 0;
    const Bytes shown =
        std::max(0_B, std::min(window.from + window.size, kOut) - window.from);
    const Bytes swap = walks || !walked ? shown : 0_B;
    steps.push_back({window.name,
                     [=](File& s) { s.LookThrough(window); },
                     {Size("swap", swap), Size("rollup", swap)}});
  }
  steps.push_back({"read all back",
                   [](File& s) {
                     s.range =
                         MapFile(s.trace, s.memfd, kSize, kRead, MAP_SHARED);
                     s.Set("wrong", CountOther(s.range, 1));
                   },
                   Count("wrong", 0), Is("swap", &File::Swap, 0_B),
                   Is("blocks", &File::Blocks, kSize)});
  steps.push_back({"cut the file off",
                   [](File& s) {
                     Unmap(s.trace, s.range);
                     return ErrnoOf(ftruncate(s.memfd, 0));
                   },
                   Is("blocks", &File::Blocks, 0_B)});
  return steps;
}

const Register kShmemSwap{
    {.id = "counters/shmem_swap",
     .summary = "smaps: Swap of a window onto a memfd is that of the window",
     .claim =
         "Seed 1: memory observation, swap; Documentation/filesystems/proc: "
         "Swap of shmem is of what the mapping covers",
     .functions = "shmem_swap_usage, shmem_partial_swap_usage, smaps_pte_hole, "
                  "smap_gather_stats",
     .look_at = "swap is of smaps, rollup what smaps_rollup grew by",
     .needs = {.swap = 64_MiB, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
