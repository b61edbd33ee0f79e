// SPDX-License-Identifier: Apache-2.0
// What is punched out of shared memory is free at once, and charged no more:
// in the file, in the machine, in what is committed, in every mapping; what is
// left is as it was.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kFrom = 1_MiB;
constexpr Bytes kHole = 2_MiB;

void Look(Trace& trace, const char* when, int file, const Range& range,
          Bytes shmem, Bytes committed) {
  const auto set = [&](const char* what, std::int64_t value) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", when, what);
    trace.Set(name, value);
  };
  struct stat of = {};
  fstat(file, &of);
  set("blocks", of.st_blocks);
  set("size", of.st_size);
  RefreshVmstat();
  set("shmem", (Meminfo("Shmem") - shmem).count);
  set("committed", (Meminfo("Committed_AS") - committed).count);
  set("rss", ReadMapping(range).rss.count);
}

// The others take whole pages.
bool TakesBytes(const Params& p) {
  return p["by"] == "punch" || p["by"] == "truncate";
}

// What is taken ends with a byte, not with a page: the rest of its pages stays.
void TakeBytes(Trace& trace, const Params& p) {
  constexpr auto kLast = static_cast<std::size_t>(3 * kPage.count);
  struct Taken {
    off_t from;
    off_t to;
  };
  constexpr Taken kHoles[] = {{100, 300}, {4000, 4200}, {8191, 8193}};
  constexpr Taken kEnd[] = {{5000, kLast}};
  static char bytes[kLast];
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  std::memset(bytes, 'x', kLast);
  if (write(file, bytes, kLast) != kLast) trace.Stop("write", errno);
  const bool truncates = p["by"] == "truncate";
  const std::span<const Taken> parts =
      truncates ? std::span<const Taken>(kEnd) : kHoles;
  for (const Taken& part : parts) {
    const int result =
        truncates ? ftruncate(file, part.from)
                  : fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              part.from, part.to - part.from);
    if (result != 0) trace.Stop("take a part of a file", errno);
  }
  if (ftruncate(file, kLast) != 0) trace.Stop("ftruncate", errno);
  if (pread(file, bytes, kLast, 0) != kLast) trace.Stop("read", errno);
  std::int64_t wrong = 0;
  for (off_t at = 0; at < static_cast<off_t>(kLast); ++at) {
    const bool taken = std::ranges::any_of(parts, [&](const Taken& part) {
      return at >= part.from && at < part.to;
    });
    wrong += bytes[at] == (taken ? 0 : 'x') ? 0 : 1;
  }
  trace.Set("wrong_bytes", wrong);
  close(file);
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const auto length = static_cast<std::size_t>(kSize.count);
  Meminfo("Shmem");
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  if (ftruncate(file, kSize.count) != 0) trace.Stop("ftruncate", errno);
  void* at = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of a memfd", errno);
  const Range range{.start = static_cast<char*>(at), .size = kSize};
  RefreshVmstat();
  const Bytes shmem = Meminfo("Shmem");
  const Bytes committed = Meminfo("Committed_AS");
  WritePages(trace, range);
  Look(trace, "full", file, range, shmem, committed);
  const Range hole = range.Part(kFrom, kHole);
  const auto size = static_cast<std::size_t>(kHole.count);
  int result = 0;
  if (p["by"] == "punch") {
    result = fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                       kFrom.count, kHole.count);
  } else if (p["by"] == "remove") {
    result = madvise(hole.start, size, MADV_REMOVE);
  } else if (p["by"] == "dontneed") {
    result = madvise(hole.start, size, MADV_DONTNEED);
  } else {
    result = ftruncate(file, kHole.count);
  }
  trace.Set("result", result == 0 ? 0 : errno);
  Look(trace, "less", file, range, shmem, committed);
  std::int64_t zeros = 0;
  std::int64_t ones = 0;
  const Bytes readable = p["by"] == "truncate" ? kHole : kSize;
  char page[1];
  for (Bytes offset; offset < readable; offset += kPage) {
    if (pread(file, page, 1, offset.count) != 1) trace.Stop("read", errno);
    ++(page[0] == 0 ? zeros : ones);
  }
  trace.Set("zeros", zeros);
  trace.Set("ones", ones);
  Look(trace, "read", file, range, shmem, committed);
  WritePages(trace, range.Part(0_B, readable));
  Look(trace, "again", file, range, shmem, committed);
  munmap(at, length);
  close(file);
  RefreshVmstat();
  trace.Set("left.shmem", Meminfo("Shmem") - shmem);
  trace.Set("left.committed", Meminfo("Committed_AS") - committed);
  if (TakesBytes(p)) TakeBytes(trace, p);
}

Oracle Has(const std::string& when, Bytes pages, Bytes rss, Bytes size) {
  return AllOf(Count(when + ".blocks", Eq(pages / 512_B)),
               Size(when + ".size", Eq(size)), Size(when + ".shmem", Eq(pages)),
               // A memfd is charged page by page (VM_NORESERVE).
               Size(when + ".committed", Eq(pages)),
               Size(when + ".rss", Eq(rss)));
}

Oracle Expect(const Params& p, const Facts&) {
  const bool unmaps_only = p["by"] == "dontneed";
  const bool truncates = p["by"] == "truncate";
  const Bytes size = truncates ? kHole : kSize;
  const Bytes less = unmaps_only ? kSize : kSize - kHole;
  const std::int64_t hole = truncates || unmaps_only ? 0 : kHole / kPage;
  return AllOf(Survives(), Has("full", kSize, kSize, kSize),
               Count("result", Eq(0)), Has("less", less, kSize - kHole, size),
               Count("zeros", Eq(hole)), Count("ones", Eq(size / kPage - hole)),
               // read(2) of a hole takes no page, unlike a touch.
               Has("read", less, kSize - kHole, size),
               Has("again", size, size, size), Size("left.shmem", Eq(0_B)),
               Size("left.committed", Eq(0_B)),
               TakesBytes(p) ? Count("wrong_bytes", Eq(0)) : Survives());
}

const Register kMemfdPunch{
    {.id = "shm/memfd_punch",
     .summary = "punched shared memory is free and uncharged, to the page",
     .claim = "Seed 1: shm; MADV_REMOVE frees shared memory, MADV_DONTNEED "
              "only unmaps it",
     .deed = "takes 2 of 4 MiB from a memfd by a hole, by MADV_REMOVE, by "
             "truncation, or only from the map",
     .functions = "shmem_undo_range, shmem_recalc_inode, shmem_fallocate, "
                  "madvise_remove",
     .look_at =
         "less.* are the file's blocks and the machine's counters after it",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"by", {"punch", "remove", "dontneed", "truncate"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("less.shmem").EitherWay()}}};

}  // namespace
}  // namespace oomgate
