// SPDX-License-Identifier: Apache-2.0
// Private copies of a file's pages go with its end: nothing is mapped beyond
// it. A hole in it, other than its end, leaves them to their owner.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kKept = 1_MiB;
constexpr Bytes kGone = kSize - kKept;

void Subject(Trace& trace, const Params& p, const Facts&) {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  if (file < 0 || ftruncate(file, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  const Range range = MapFile(trace, file, kSize, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_NORESERVE);
  const Range kept = range.Part(0_B, kKept);
  const Range gone = range.Part(kKept, kGone);
  const auto anon_pages = [] {
    RefreshVmstat();
    return Meminfo("AnonPages");
  };
  WritePages(trace, kept);
  MappingField(range, "Anonymous");
  anon_pages();
  const Bytes before = anon_pages();
  WritePages(trace, gone);
  trace.Set("written", MappingField(range, "Anonymous"));
  trace.Set("written_machine", anon_pages() - before);
  const int result =
      p["by"] == "truncate"
          ? ftruncate(file, kKept.count)
          : fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      kKept.count, kGone.count);
  trace.Set("result", result == 0 ? 0 : errno);
  trace.Set("left", MappingField(range, "Anonymous"));
  trace.Set("left_rss", ReadMapping(range).rss);
  trace.Set("left_machine", anon_pages() - before);
  trace.Set("touch", Reap(StartChild(trace, [&] { CountOther(gone, 1); })));
  trace.Set("kept_other", CountOther(kept, 1));
  // As long as before, the file has a hole there: nothing old comes back.
  if (ftruncate(file, kSize.count) != 0) trace.Stop("ftruncate", errno);
  trace.Set("gone_other", CountOther(gone, 1));
  Unmap(trace, range);
  close(file);
}

Oracle Expect(const Params& p, const Facts&) {
  const bool ends = p["by"] == "truncate";
  const Bytes left = ends ? kKept : kSize;
  return AllOf(Survives(), Size("written", Eq(kSize)),
               Size("written_machine", Eq(kGone)), Count("result", Eq(0)),
               Size("left", Eq(left)), Size("left_rss", Eq(left)),
               Size("left_machine", Eq(left - kKept)),
               Count("touch", Eq(ends ? SIGBUS : 0)),
               Count("kept_other", Eq(0)),
               Count("gone_other", Eq(ends ? kGone / kPage : 0)));
}

const Register kMemfdCopies{
    {.id = "shm/memfd_copies",
     .summary = "private copies go with the end of their file, not with a hole",
     .claim = "Seed 1: shm; mmap(2): pages beyond the end of the file are "
              "SIGBUS; fallocate(2), FALLOC_FL_PUNCH_HOLE",
     .deed = "copies 4 MiB of a memfd by writing to a private mapping, takes 3 "
             "MiB from the file by truncation or by a hole",
     .functions =
         "shmem_setattr, shmem_fallocate, unmap_mapping_range, zap_pte_range",
     .look_at = "left are copies that are still mapped, left_machine that are "
                "still memory",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"by", {"truncate", "punch"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("left_machine").EitherWay()}}};

}  // namespace
}  // namespace oomgate
