// SPDX-License-Identifier: Apache-2.0
// MADV_REMOVE punches a hole into shared memory: the pages are free for
// everyone, and read as zero by everyone; private memory has none to punch.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kHole = 1_MiB;

Bytes Shmem() {
  RefreshVmstat();
  return Meminfo("Shmem");
}
Bytes Committed() {
  RefreshVmstat();
  return Meminfo("Committed_AS");
}

struct Memory : Scene {
  Range own = MapAnonymous(trace, kPage);
  Bytes shmem = Shmem();
  Range anonymous = {};
  int fd = MakeMemfd(trace, kSize);
  // The same file, for reading and writing and for reading only.
  Range one = MapBare(trace, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  int reader = Reopened();
  Range two = MapBare(trace, kSize, PROT_READ, MAP_SHARED, reader);

  int Reopened() const {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return Must(trace, "open of a memfd", open(path, O_RDONLY | O_CLOEXEC));
  }
  struct stat Status() const {
    struct stat file = {};
    Must(trace, "fstat", fstat(fd, &file));
    return file;
  }
  Bytes Blocks() const { return Status().st_blocks * 512_B; }
  Bytes Size() const { return Bytes{Status().st_size}; }
  Bytes Left() const { return Shmem() - shmem; }
  std::int64_t OtherOwn() const { return CountOther(own, 1); }
  // The look at the first hole has filled it.
  std::int64_t OtherAtEnd() const {
    return CountOther(two.Part(2 * kHole, kHole), 1) +
           CountOther(two.Part(3 * kHole, kHole), 0);
  }
};

// Bytes that are not zero in the hole, and not written around it.
std::int64_t Other(const Range& range) {
  return CountOther(range.Part(0_B, kHole), 1) +
         CountOther(range.Part(kHole, kHole), 0) +
         CountOther(range.Part(2 * kHole, kSize - 2 * kHole), 1);
}

// A mapping that begins in the middle of the file.
int RemoveItsEnd(Memory& m) {
  const Range end = MapBare(m.trace, kHole, PROT_READ | PROT_WRITE, MAP_SHARED,
                            m.fd, 3 * kHole);
  const int error = TryAdvise(end, MADV_REMOVE);
  Unmap(m.trace, end);
  return error;
}

Steps<Memory> Make(const Params&, const Facts&) {
  const auto punch = [](Range Memory::*what) {
    return [=](Memory& m) {
      return TryAdvise((m.*what).Part(kHole, kHole), MADV_REMOVE);
    };
  };
  const auto shmem = [](Bytes size) { return Change("Shmem", Shmem, size); };
  const auto committed = [](Bytes size) {
    return Change("Committed_AS", Committed, size);
  };
  const auto blocks = [](Bytes size) {
    return Is("blocks", &Memory::Blocks, size);
  };
  const auto left = Is("left", &Memory::Left, 0_B);
  const auto rss = [](const char* name, Range Memory::*of, Bytes size) {
    return Is(
        name, [=](Memory& m) { return ReadMapping(m.*of).rss; }, size);
  };
  const auto none_other = [](Range Memory::*in) {
    return Is(
        "other", [=](Memory& m) { return Other(m.*in); }, 0);
  };
  return {
      {"remove private memory",
       [](Memory& m) {
         WritePages(m.trace, m.own);
         return TryAdvise(m.own, MADV_REMOVE);
       },
       Refused(EINVAL), Is("other", &Memory::OtherOwn, 0)},

      // Committed_AS is read exactly since 5.9 only.
      {"write shared anonymous memory",
       [](Memory& m) {
         m.anonymous = MapAnonymous(m.trace, kSize,
                                    {.flags = MAP_SHARED | MAP_ANONYMOUS});
         WritePages(m.trace, m.anonymous);
       },
       shmem(kSize), committed(kSize)},
      // Shared memory allocates on reads.
      {"punch it", punch(&Memory::anonymous), shmem(0_B - kHole),
       committed(0_B), rss("rss", &Memory::anonymous, kSize - kHole),
       none_other(&Memory::anonymous),
       rss("rss, read", &Memory::anonymous, kSize)},
      {"unmap it", [](Memory& m) { Unmap(m.trace, m.anonymous); }, left},

      {"write a memfd",
       [](Memory& m) {
         WritePages(m.trace, m.one);
         CountOther(m.two, 1);
       },
       committed(kSize), blocks(kSize)},
      {"punch through the read-only mapping", punch(&Memory::two),
       Refused(EACCES)},
      // Gone from the other mapping as well.
      {"punch the memfd", punch(&Memory::one), shmem(0_B - kHole),
       committed(0_B - kHole), blocks(kSize - kHole),
       Is("size", &Memory::Size, kSize),
       rss("other mapping's rss", &Memory::two, kSize - kHole),
       none_other(&Memory::two)},
      {"remove its end", RemoveItsEnd, blocks(kSize - kHole),
       Is("other", &Memory::OtherAtEnd, 0)},
      {"lock a page of it",
       [](Memory& m) { return TryLock(m.one.Part(0_B, kPage)); }},
      {"remove what is locked",
       [](Memory& m) { return TryAdvise(m.one.Part(0_B, kPage), MADV_REMOVE); },
       Refused(EINVAL)},
      {"close it",
       [](Memory& m) {
         Unmap(m.trace, m.one);
         Unmap(m.trace, m.two);
         close(m.reader);
         close(m.fd);
       },
       left},
  };
}

const Register kRemove{
    {.id = "madvise/remove",
     .summary = "MADV_REMOVE frees shared memory for all who map it",
     .claim = "Seed 1: the list of madvise; madvise(2), MADV_REMOVE",
     .functions = "madvise_remove, shmem_fallocate, shmem_undo_range, "
                  "unmap_mapping_range",
     .look_at = "Shmem: what came back to the machine; Committed_AS: what came "
                "back to the charge",
     .suite = Suite::kQuick,
     .needs = {.alone = true},  // reads sums of the machine
     .steps = Make,
     .metrics = {Metric::Size("memfd_hole_blocks", "punch the memfd.blocks")}}};

}  // namespace
}  // namespace oomgate
