// SPDX-License-Identifier: Apache-2.0
// MADV_REMOVE punches a hole into shared memory: the pages are free for
// everyone, and read as zero by everyone; private memory has none to punch.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kHole = 1_MiB;

// What is held by shared memory, and what is committed beyond `Shmem`.
struct Machine {
  Bytes shmem;
  Bytes committed;
};
Machine ReadMachine() {
  RefreshVmstat();
  return {Meminfo("Shmem"), Meminfo("Committed_AS")};
}

Bytes Blocks(Trace& trace, int fd) {
  struct stat file = {};
  if (fstat(fd, &file) != 0) trace.Stop("fstat", errno);
  return file.st_blocks * 512_B;
}

void SharedAnonymous(Trace& trace) {
  MapOptions options;
  options.flags = MAP_SHARED | MAP_ANONYMOUS;
  const Machine before = ReadMachine();
  const Range range = MapAnonymous(trace, kSize, options);
  WritePages(trace, range);
  const Machine full = ReadMachine();
  trace.Set("anon_shmem", full.shmem - before.shmem);
  trace.Set("anon_committed", full.committed - before.committed);
  trace.Set("anon_errno", TryAdvise(range.Part(kHole, kHole), MADV_REMOVE));
  const Machine punched = ReadMachine();
  trace.Set("anon_hole_shmem", punched.shmem - full.shmem);
  trace.Set("anon_hole_committed", punched.committed - full.committed);
  trace.Set("anon_hole_rss", ReadMapping(range).rss);
  trace.Set("anon_other",
            CountOther(range.Part(0_B, kHole), 1) +
                CountOther(range.Part(kHole, kHole), 0) +
                CountOther(range.Part(2 * kHole, kSize - 2 * kHole), 1));
  // Shared memory allocates on reads.
  trace.Set("anon_read_rss", ReadMapping(range).rss);
  Unmap(trace, range);
  trace.Set("anon_left", ReadMachine().shmem - before.shmem);
}

Range MapFile(Trace& trace, int fd, int prot) {
  void* const at = mmap(nullptr, Length(kSize), prot, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of a memfd", errno);
  return {.start = static_cast<char*>(at), .size = kSize};
}

void MemoryFile(Trace& trace) {
  const int fd = memfd_create("oomgate", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, kSize.count) != 0) {
    trace.Stop("memfd_create", errno);
  }
  const Range one = MapFile(trace, fd, PROT_READ | PROT_WRITE);
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const int reader = open(path, O_RDONLY | O_CLOEXEC);
  const Range two = MapFile(trace, reader, PROT_READ);
  close(reader);
  const Machine empty = ReadMachine();
  WritePages(trace, one);
  CountOther(two, 1);
  const Machine full = ReadMachine();
  trace.Set("memfd_committed", full.committed - empty.committed);
  trace.Set("memfd_blocks", Blocks(trace, fd));
  trace.Set("readonly_errno", TryAdvise(two, MADV_REMOVE));
  trace.Set("memfd_errno", TryAdvise(one.Part(kHole, kHole), MADV_REMOVE));
  const Machine punched = ReadMachine();
  trace.Set("memfd_hole_blocks", Blocks(trace, fd));
  trace.Set("memfd_hole_committed", punched.committed - full.committed);
  trace.Set("memfd_hole_shmem", punched.shmem - full.shmem);
  // Gone from the other mapping as well.
  trace.Set("other_rss", ReadMapping(two).rss);
  trace.Set("other_bytes",
            CountOther(two.Part(0_B, kHole), 1) +
                CountOther(two.Part(kHole, kHole), 0) +
                CountOther(two.Part(2 * kHole, kSize - 2 * kHole), 1));
  struct stat file = {};
  fstat(fd, &file);
  trace.Set("memfd_size", file.st_size);

  // A mapping that begins in the middle of the file.
  void* const end = mmap(nullptr, Length(kHole), PROT_READ | PROT_WRITE,
                         MAP_SHARED, fd, 3 * kHole.count);
  if (end == MAP_FAILED) trace.Stop("mmap of a memfd", errno);
  trace.Set("end_errno",
            TryAdvise({.start = static_cast<char*>(end), .size = kHole},
                      MADV_REMOVE));
  trace.Set("end_blocks", Blocks(trace, fd));
  trace.Set("end_other", CountOther(two.Part(2 * kHole, kHole), 1) +
                             CountOther(two.Part(3 * kHole, kHole), 0));
  munmap(end, Length(kHole));

  mlock(one.start, Length(kPage));
  trace.Set("locked_errno", TryAdvise(one.Part(0_B, kPage), MADV_REMOVE));
  munlock(one.start, Length(kPage));
  munmap(one.start, Length(kSize));
  munmap(two.start, Length(kSize));
  close(fd);
  trace.Set("memfd_left", ReadMachine().shmem - empty.shmem);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range anonymous = MapAnonymous(trace, kPage);
  WritePages(trace, anonymous);
  trace.Set("private_errno", TryAdvise(anonymous, MADV_REMOVE));
  trace.Set("private_other", CountOther(anonymous, 1));
  Unmap(trace, anonymous);
  SharedAnonymous(trace);
  MemoryFile(trace);
}

Oracle Expect(const Params&, const Facts&) {
  const Oracle refused = AllOf(
      Count("private_errno", Eq(EINVAL)), Count("private_other", Eq(0)),
      Count("readonly_errno", Eq(EACCES)), Count("locked_errno", Eq(EINVAL)));
  // Committed_AS is read exactly since 5.9 only.
  const Oracle anonymous =
      AllOf(AllOf(Size("anon_shmem", Eq(kSize)),
                  Size("anon_committed", Eq(kSize)), Count("anon_errno", Eq(0)),
                  Size("anon_hole_shmem", Eq(0_B - kHole)),
                  Size("anon_hole_committed", Eq(0_B))),
            AllOf(Size("anon_hole_rss", Eq(kSize - kHole)),
                  Count("anon_other", Eq(0)), Size("anon_read_rss", Eq(kSize)),
                  Size("anon_left", Eq(0_B))));
  const Oracle file = AllOf(
      AllOf(Size("memfd_committed", Eq(kSize)), Size("memfd_blocks", Eq(kSize)),
            Count("memfd_errno", Eq(0)),
            Size("memfd_hole_blocks", Eq(kSize - kHole)),
            Size("memfd_hole_committed", Eq(0_B - kHole)),
            Size("memfd_hole_shmem", Eq(0_B - kHole))),
      // The other mapping's look at the first hole, and at this one's, fills
      // them.
      AllOf(Count("end_errno", Eq(0)), Size("end_blocks", Eq(kSize - kHole)),
            Count("end_other", Eq(0))),
      AllOf(Size("other_rss", Eq(kSize - kHole)), Count("other_bytes", Eq(0)),
            Size("memfd_size", Eq(kSize)), Size("memfd_left", Eq(0_B))));
  return AllOf(Survives(), refused, anonymous, file);
}

const Register kRemove{
    {.id = "madvise/remove",
     .summary = "MADV_REMOVE frees shared memory for all who map it",
     .explains =
         {.claim = "Seed 1: the list of madvise; madvise(2), MADV_REMOVE",
          .deed = "punches a hole into shared anonymous memory and into a "
                  "memfd that is mapped twice",
          .functions = "madvise_remove, shmem_fallocate, shmem_undo_range, "
                       "unmap_mapping_range",
          .look_at = "<object>_hole_shmem is what came back to the machine; "
                     "_committed what came back to the charge"},
     .suite = Suite::kQuick,
     .needs = {.alone = true},  // reads sums of the machine
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "memfd_hole_blocks",
                  .better = Better::kLower,
                  .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
