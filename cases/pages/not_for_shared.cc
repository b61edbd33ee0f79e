// SPDX-License-Identifier: Apache-2.0
// The zero page is for private memory: reading a hole of shared memory through
// a mapping allocates a page, reading it with read(2) does not.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;
constexpr auto kLength = static_cast<std::size_t>(kSize.count);

Bytes Allocated(int fd) {
  struct stat file = {};
  fstat(fd, &file);
  return file.st_blocks * 512_B;
}

int Open(Trace& trace, std::string_view object) {
  if (object == "anonymous") return -1;
  if (object == "dev_zero") return open("/dev/zero", O_RDWR | O_CLOEXEC);
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "holes", 0));
  if (fd < 0 || ftruncate(fd, kSize.count) != 0) trace.Stop("memfd", errno);
  return fd;
}

std::int64_t ReadHoles(Trace& trace, int fd) {
  static char page[4096];
  std::int64_t bytes = 0;
  for (off_t at = 0; at < kSize.count; at += kPage.count) {
    const ssize_t n = pread(fd, page, sizeof page, at);
    if (n <= 0) trace.Stop("read of a hole", errno);
    bytes += n;
  }
  return bytes;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();  // none of its own faults are counted
  const std::string_view object = p["object"];
  const bool memfd = object.starts_with("memfd");
  const int fd = Open(trace, object);
  if (memfd) {
    trace.Set("read_bytes", ReadHoles(trace, fd));
    trace.Set("allocated_by_read", Allocated(fd));
  }
  pages::WarmUp(trace);
  const int flags = object == "memfd_private" ? MAP_PRIVATE : MAP_SHARED;
  const Range range = MapAnonymous(trace, kSize);
  if (mmap(range.start, kLength, PROT_READ,
           flags | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0), fd,
           0) == MAP_FAILED) {
    trace.Stop("mmap", errno);
  }
  RefreshVmstat();
  const Bytes shmem = Meminfo("Shmem");
  const Bytes rss_shmem = StatusField("RssShmem");
  const Usage before = ReadUsage();
  ReadPages(trace, range);
  trace.Set("minor_faults", ReadUsage().minor_faults - before.minor_faults);
  trace.Set("rss_shmem", StatusField("RssShmem") - rss_shmem);
  RefreshVmstat();
  trace.Set("shmem", Meminfo("Shmem") - shmem);
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("rss", mapped.rss);
  trace.Set("anonymous", MappingField(range, "Anonymous"));
  trace.Set("private_clean", MappingField(range, "Private_Clean"));
  if (memfd) trace.Set("allocated", Allocated(fd));
  Unmap(trace, range);
  if (memfd) {
    // The object keeps what it got, until a hole is punched.
    trace.Set("allocated_unmapped", Allocated(fd));
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                  kSize.count) != 0) {
      trace.Stop("punching a hole", errno);
    }
    trace.Set("allocated_punched", Allocated(fd));
  }
  if (fd >= 0) close(fd);
  RefreshVmstat();
  trace.Set("shmem_left", Meminfo("Shmem") - shmem);
}

Oracle Expect(const Params& p, const Facts& f) {
  // Up to 6.1 a thread holds back what 64 faults changed, and one fault maps up
  // to 16 pages of a file; a guest's program is a file in shared memory too.
  const Bytes lag =
      f.kernel < KernelVersion{6, 2} ? 66 * 16 * kPage : pages::RssLag(f);
  const Oracle mapped =
      AllOf(Survives(), Count("minor_faults", Eq(kSize / kPage)),
            Size("rss", Eq(kSize)), Size("anonymous", Eq(0_B)),
            Size("shmem", Eq(kSize)), Size("shmem_left", Eq(0_B)),
            Size("rss_shmem", Between(kSize - lag, kSize + lag)));
  if (!p["object"].starts_with("memfd")) return mapped;
  return AllOf(mapped, Size("read_bytes", Eq(kSize)),
               Size("allocated_by_read", Eq(0_B)), Size("allocated", Eq(kSize)),
               Size("allocated_unmapped", Eq(kSize)),
               Size("allocated_punched", Eq(0_B)));
}

const Register kNotForShared{
    {.id = "pages/not_for_shared",
     .summary = "reading a hole of shared memory allocates, unlike private",
     .explains =
         {.claim = "Seed 0: \"sparse arrays are free\" is false for shared "
                   "memory (zero_page.not_for_shared); seed 1: shm",
          .deed = "reads every page of an untouched shared object through a "
                  "mapping, and a memfd by read(2) before",
          .functions = "shmem_fault, shmem_get_folio, shmem_file_read_iter",
          .look_at = "allocated_by_read: read(2) of a hole must not allocate; "
                     "shmem against rss: who counts wrong"},
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"object",
                 {"anonymous", "dev_zero", "memfd_private", "memfd_shared"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "shmem", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
