// SPDX-License-Identifier: Apache-2.0
// What is punched out of shared memory is free at once, and charged no more:
// in the file, in the machine, in what is committed, in every mapping; what is
// left is as it was.
#include <span>

#include "cases/shm/file.h"

namespace oomgate::shm {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kFrom = 1_MiB;
constexpr Bytes kHole = 2_MiB;

struct File : Scene {
  int file = MakeMemfd(trace, kSize);
  Range range = MapBare(trace, kSize, kRw, MAP_SHARED, file);
  Bytes readable = p["by"] == "truncate" ? kHole : kSize;
  Bytes shmem_before = Folded("Shmem");
  Bytes committed_before = Folded("Committed_AS");

  Bytes Blocks() const { return BlocksOf(file); }
  Bytes FileSize() const { return Bytes{lseek(file, 0, SEEK_END)}; }
  Bytes Shmem() const { return Folded("Shmem") - shmem_before; }
  Bytes Committed() const { return Folded("Committed_AS") - committed_before; }
  Bytes Rss() const { return ReadMapping(range).rss; }

  void Write() const { WritePages(trace, range.Part(0_B, readable)); }
  int Close() const {
    Unmap(trace, range);
    return ErrnoOf(close(file));
  }
};

// Takes a part of a file, or all from where the part begins.
int TakeOf(const Params& p, int file, Bytes from, Bytes size) {
  return p["by"] == "truncate" ? ErrnoOf(ftruncate(file, from.count))
                               : TryPunch(file, from, size);
}
int Take(File& s) {
  const Range hole = s.range.Part(kFrom, kHole);
  if (s.p["by"] == "remove") return TryAdvise(hole, MADV_REMOVE);
  if (s.p["by"] == "dontneed") return TryAdvise(hole, MADV_DONTNEED);
  return TakeOf(s.p, s.file, s.readable == kSize ? kFrom : kHole, kHole);
}

void Read(File& s) {
  std::int64_t zeroes = 0;
  std::int64_t ones = 0;
  char byte = 0;
  for (Bytes at; at < s.readable; at += kPage) {
    if (pread(s.file, &byte, 1, at.count) != 1) s.trace.Stop("read", errno);
    ++(byte == 0 ? zeroes : ones);
  }
  s.Set("zeroes", zeroes);
  s.Set("ones", ones);
}

// What is taken ends with a byte, not with a page: the rest of its pages stays.
void TakeBytes(File& s) {
  struct Taken {
    Bytes from;
    Bytes to;
  };
  constexpr Bytes kAll = 3 * kPage;
  constexpr Taken kHoles[] = {
      {100_B, 300_B}, {4000_B, 4200_B}, {8191_B, 8193_B}};
  constexpr Taken kEnd[] = {{5000_B, kAll}};
  static char expected[kAll.count];
  static char bytes[kAll.count];
  const int file = MakeMemfd(s.trace);
  std::memset(expected, 'x', sizeof expected);
  Must(s.trace, "write", write(file, expected, sizeof expected));
  const bool truncates = s.p["by"] == "truncate";
  for (const Taken& part : truncates ? std::span<const Taken>(kEnd) : kHoles) {
    const Bytes size = part.to - part.from;
    const int error = TakeOf(s.p, file, part.from, size);
    if (error != 0) s.trace.Stop("take a part of a file", error);
    std::memset(expected + part.from.count, 0, Length(size));
  }
  Must(s.trace, "ftruncate", ftruncate(file, kAll.count));
  s.Set("read", Bytes{pread(file, bytes, sizeof bytes, 0)});
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    wrong += bytes[i] == expected[i] ? 0 : 1;
  }
  s.Set("wrong", wrong);
  close(file);
}

Row<File> Has(Bytes pages, Bytes rss, Bytes size) {
  return Rows<File>{
      Is("blocks", &File::Blocks, pages), Is("size", &File::FileSize, size),
      Is("shmem", &File::Shmem, pages),
      // A memfd is charged page by page (VM_NORESERVE).
      Is("committed", &File::Committed, pages), Is("rss", &File::Rss, rss)};
}

Steps<File> Make(const Params& p, const Facts&) {
  const bool unmaps_only = p["by"] == "dontneed";
  const bool truncates = p["by"] == "truncate";
  const Bytes size = truncates ? kHole : kSize;
  const Bytes left = unmaps_only ? kSize : kSize - kHole;
  const Row<File> less = Has(left, kSize - kHole, size);
  const std::int64_t zeroes = truncates || unmaps_only ? 0 : kHole / kPage;
  return {
      {"write all", [](File& s) { WritePages(s.trace, s.range); },
       Has(kSize, kSize, kSize)},
      {"take 2 MiB", Take, less},
      // read(2) of a hole takes no page, unlike a touch.
      {"read the file", Read, Count("zeroes", zeroes),
       Count("ones", size / kPage - zeroes), less},
      StepOf<File>("write again", &File::Write, Has(size, size, size))
          .HoldsWithout(truncates ? "all that is left is there already" : ""),
      {"unmap and close", &File::Close, Is("shmem", &File::Shmem, 0_B),
       Is("committed", &File::Committed, 0_B)},
      StepOf<File>("take parts of pages", TakeBytes, Size("read", 3 * kPage),
                   Count("wrong", 0))
          .LeftOut(p["by"] == "punch" || truncates ? ""
                                                   : "it takes whole pages"),
  };
}

const Register kMemfdPunch{
    {.id = "shm/memfd_punch",
     .summary = "punched shared memory is free and uncharged, to the page",
     .claim = "Seed 1: shm; MADV_REMOVE frees shared memory, MADV_DONTNEED "
              "only unmaps it",
     .functions = "shmem_undo_range, shmem_recalc_inode, shmem_fallocate, "
                  "madvise_remove",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"by", {"punch", "remove", "dontneed", "truncate"}}},
     .steps = Make,
     .metrics = {Metric::Size("less.shmem", "take 2 MiB.shmem").EitherWay()}}};

}  // namespace
}  // namespace oomgate::shm
