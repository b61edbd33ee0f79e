// SPDX-License-Identifier: Apache-2.0
// Private copies of a file's pages go with its end: nothing is mapped beyond
// it. A hole in it, other than its end, leaves them to their owner.
#include "cases/shm/file.h"

namespace oomgate::shm {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kKept = 1_MiB;
constexpr Bytes kGone = kSize - kKept;

struct Copies : Scene {
  int file = MakeMemfd(trace, kSize);
  Range range = MapFile(trace, file, kSize, kRw, MAP_PRIVATE | MAP_NORESERVE);
  Range kept = range.Part(0_B, kKept);
  Range gone = range.Part(kKept, kGone);
  Bytes machine_before = {};

  Bytes Copied() const { return MappingField(range, "Anonymous"); }
  Bytes Rss() const { return ReadMapping(range).rss; }
  Bytes Machine() const { return Folded("AnonPages") - machine_before; }
  Bytes Blocks() const { return BlocksOf(file); }

  void WriteKept() {
    WritePages(trace, kept);
    Copied();
    Machine();
    machine_before = Folded("AnonPages");
  }
  int Take() const {
    return p["by"] == "truncate" ? ErrnoOf(ftruncate(file, kKept.count))
                                 : TryPunch(file, kKept, kGone);
  }
  void TouchInChild() const {
    Set("status", RunChild(trace, [&] { CountOther(gone, 1); }));
  }
  int Extend() const { return ErrnoOf(ftruncate(file, kSize.count)); }
  std::int64_t KeptOther() const { return CountOther(kept, 1); }
  std::int64_t GoneOther() const { return CountOther(gone, 1); }
};

// Copies: those that are mapped, and those that are memory beside the first.
Row<Copies> Has(Bytes mapped, Bytes machine, Bytes blocks) {
  return Rows<Copies>{Is("copied", &Copies::Copied, mapped),
                      Is("rss", &Copies::Rss, mapped),
                      Is("machine", &Copies::Machine, machine),
                      Is("blocks", &Copies::Blocks, blocks)};
}

Steps<Copies> Make(const Params& p, const Facts&) {
  const bool ends = p["by"] == "truncate";
  const Bytes left = ends ? kKept : kSize;
  return {
      {"write what is kept", &Copies::WriteKept},
      {"write the rest", [](Copies& s) { WritePages(s.trace, s.gone); },
       Has(kSize, kGone, kSize)},
      {"take the rest from the file", &Copies::Take,
       Has(left, left - kKept, kKept)},
      {"touch the rest in a child", &Copies::TouchInChild,
       Count("status", ends ? SIGBUS : 0),
       Is("kept, other", &Copies::KeptOther, 0)},
      // As long as before, the file has a hole there: nothing old comes back.
      StepOf<Copies>(
          "make the file as long as before", &Copies::Extend,
          Is("gone, other", &Copies::GoneOther, ends ? kGone / kPage : 0))
          .HoldsWithout(ends ? "" : "a file with a hole is as long as before"),
  };
}

const Register kMemfdCopies{
    {.id = "shm/memfd_copies",
     .summary = "private copies go with the end of their file, not with a hole",
     .claim = "Seed 1: shm; mmap(2): pages beyond the end of the file are "
              "SIGBUS; fallocate(2), FALLOC_FL_PUNCH_HOLE",
     .functions =
         "shmem_setattr, shmem_fallocate, unmap_mapping_range, zap_pte_range",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"by", {"truncate", "punch"}}},
     .steps = Make,
     .metrics = {
         Metric::Size("left_machine", "take the rest from the file.machine")
             .EitherWay()}}};

}  // namespace
}  // namespace oomgate::shm
