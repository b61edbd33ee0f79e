// SPDX-License-Identifier: Apache-2.0
// Whoever reads untouched memory, the kernel on somebody's behalf too, gets the
// zero page; what asks for memory to write to gets memory.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "cases/pages/tables.h"

// Not in the headers of every libc: since 5.14.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr KernelVersion kHasPopulate{5, 14};  // 4ca9b3859dac

std::size_t Length(const Range& range) {
  return static_cast<std::size_t>(range.size.count);
}

// What every page is read by; the errno of the first that failed.
template <typename Read>
int EachPage(const Range& range, Read read) {
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    if (read(at) < 0) return errno;
  }
  return 0;
}

int Replace(const Range& range, int flags, int fd) {
  return mmap(range.start, Length(range), PROT_READ, flags | MAP_FIXED, fd,
              0) == MAP_FAILED
             ? errno
             : 0;
}

int ReadBy(const Range& range, std::string_view path, int target, int fd) {
  const auto result = [](long done) { return done < 0 ? errno : 0; };
  if (path == "write") {
    return EachPage(range, [&](char* at) {
      return pwrite(target, at, static_cast<std::size_t>(kPage.count), 0);
    });
  }
  if (path == "process_vm") {
    static char byte;
    return EachPage(range, [&](char* at) {
      const iovec local{&byte, 1};
      const iovec remote{at, 1};
      return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    });
  }
  if (path == "proc_mem") {
    static char byte;
    return EachPage(range, [&](char* at) {
      return pread(fd, &byte, 1, reinterpret_cast<off_t>(at));
    });
  }
  if (path == "dev_zero") {
    const int mapped = Replace(range, MAP_PRIVATE, fd);
    if (mapped != 0) return mapped;
    return EachPage(range,
                    [](char* at) { return *static_cast<volatile char*>(at); });
  }
  if (path == "map_populate") {
    return Replace(
        range, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1);
  }
  if (path.starts_with("populate_read")) {
    return result(madvise(range.start, Length(range), MADV_POPULATE_READ));
  }
  if (path == "populate_write") {
    return result(madvise(range.start, Length(range), MADV_POPULATE_WRITE));
  }
  return result(mlock(range.start, Length(range)));
}

bool Allocates(std::string_view path) {
  return path == "mlock_writable" || path == "populate_write";
}

bool NeedsWritable(std::string_view path) {
  return Allocates(path) || path == "populate_read_writable";
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();  // none of its own faults are counted
  const std::string_view path = p["path"];
  // MAP_POPULATE leaves no time to ask for small pages.
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) trace.Stop("prctl", errno);
  const Range range = pages::MapApart(
      trace, kSize, NeedsWritable(path) ? PROT_READ | PROT_WRITE : PROT_READ);
  const int target = static_cast<int>(syscall(SYS_memfd_create, "target", 0));
  const int fd = open(path == "dev_zero" ? "/dev/zero" : "/proc/self/mem",
                      O_RDONLY | O_CLOEXEC);
  if (target < 0 || fd < 0) trace.Stop("open", errno);
  // Once, for the code of this path and the page of the target.
  ReadBy(MapAnonymous(trace, kPage), path, target, fd);
  const Bytes locked = StatusField("VmLck");
  const Usage before = ReadUsage();
  const int error = ReadBy(range, path, target, fd);
  const Usage after = ReadUsage();
  trace.Set("error", error);
  trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  trace.Set("page_tables", after.page_tables - before.page_tables);
  trace.Set("locked", StatusField("VmLck") - locked);
  trace.Set("rss", ReadMapping(range).rss);
  trace.Set("anonymous", MappingField(range, "Anonymous"));
}

Oracle Expect(const Params& p, const Facts& f) {
  const std::string_view path = p["path"];
  const bool exists =
      !path.starts_with("populate_") || f.kernel >= kHasPopulate;
  const Bytes allocated = exists && Allocates(path) ? kSize : 0_B;
  const std::int64_t pages = kSize / kPage;
  return AllOf(Survives(), Count("error", Eq(exists ? 0 : EINVAL)),
               Count("minor_faults", Eq(exists ? pages : 0)),
               Size("page_tables",
                    Eq(exists ? pages::TablesFor(0_B, pages, kPage) : 0_B)),
               Size("locked", Eq(path.starts_with("mlock") ? kSize : 0_B)),
               Size("rss", Eq(allocated)), Size("anonymous", Eq(allocated)));
}

const Register kKernelReadPaths{
    {.id = "pages/kernel_read_paths",
     .summary = "the kernel's own reads get the zero page, its writes memory",
     .explains =
         {.claim = "Seed 0: \"reading does not trigger allocation\" "
                   "(zero_page.kernel_read_paths); mlock(2), madvise(2)",
          .deed = "has 16 MiB of untouched memory read by a system call",
          .functions = "faultin_page, populate_vma_page_range, "
                       "faultin_page_range, mmap_zero",
          .look_at = "rss: which path allocates; minor_faults: which no longer "
                     "counts or takes more than one page at a time"},
     .suite = Suite::kQuick,
     .params = {{"path",
                 {"write", "process_vm", "proc_mem", "dev_zero", "map_populate",
                  "populate_read", "populate_read_writable", "populate_write",
                  "mlock_readonly", "mlock_writable"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
