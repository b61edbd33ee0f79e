// SPDX-License-Identifier: Apache-2.0
// Whoever reads untouched memory, the kernel on somebody's behalf too, gets the
// zero page; what asks for memory to write to gets memory.
#include <sys/prctl.h>
#include <sys/uio.h>

#include "cases/pages/tables.h"

// Not in the headers of every libc: since 5.14.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace oomgate::pages {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr KernelVersion kHasPopulate{5, 14};  // 4ca9b3859dac

bool Allocates(const Params& p) {
  return p["path"] == "mlock_writable" || p["path"] == "populate_write";
}
int ProtOf(const Params& p) {
  const bool writable = Allocates(p) || p["path"] == "populate_read_writable";
  return writable ? PROT_READ | PROT_WRITE : PROT_READ;
}

// What every page is read by; the errno of the first that failed.
template <typename Read>
int EachPage(const Range& range, Read read) {
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    if (read(at) < 0) return errno;
  }
  return 0;
}

struct Reader : Counted {
  // MAP_POPULATE leaves no time to ask for small pages.
  int small = Must(trace, "prctl", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  Range range = MapApart(trace, kSize, ProtOf(p));
  int target = MakeMemfd(trace);
  int memory =
      Must(trace, "open", open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  int zeroes = Must(trace, "open", open("/dev/zero", O_RDONLY | O_CLOEXEC));
  // Once, for the code of this path and the page of the target.
  int first = Read(MapAnonymous(trace, kPage));

  int Read(const Range& part) const;
};

int Reader::Read(const Range& part) const {
  static char byte;
  const std::string_view path = p["path"];
  if (path == "write") {
    return EachPage(
        part, [&](char* at) { return pwrite(target, at, Length(kPage), 0); });
  }
  if (path == "process_vm") {
    return EachPage(part, [&](char* at) {
      const iovec local{&byte, 1};
      const iovec remote{at, 1};
      return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    });
  }
  if (path == "proc_mem") {
    return EachPage(part, [&](char* at) {
      return pread(memory, &byte, 1, reinterpret_cast<off_t>(at));
    });
  }
  if (path == "dev_zero") {
    const int error = TryMapOver(part, PROT_READ, MAP_PRIVATE, zeroes);
    if (error != 0) return error;
    return EachPage(part,
                    [](char* at) { return *static_cast<volatile char*>(at); });
  }
  if (path == "map_populate") {
    return TryMapOver(
        part, PROT_READ,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE);
  }
  if (path == "populate_write") return TryAdvise(part, MADV_POPULATE_WRITE);
  if (path.starts_with("populate")) return TryAdvise(part, MADV_POPULATE_READ);
  return TryLock(part);
}

Steps<Reader> Make(const Params& p, const Facts& f) {
  const std::string_view path = p["path"];
  const bool exists =
      !path.starts_with("populate_") || f.kernel >= kHasPopulate;
  const Bytes allocated = exists && Allocates(p) ? kSize : 0_B;
  const std::int64_t pages = exists ? kSize / kPage : 0;
  const Bytes tables = exists ? TablesFor(0_B, pages, kPage) : 0_B;
  return {{"have the kernel read each page",
           [](Reader& s) { return s.Read(s.range); },
           {Refused(exists ? 0 : EINVAL),
            Change("faults", Faults, pages),
            Change("tables", Tables, tables),
            Change(
                "locked", [] { return StatusField("VmLck"); },
                path.starts_with("mlock") ? kSize : 0_B),
            {"rss", Smaps("Rss"), allocated},
            {"anonymous", Smaps("Anonymous"), allocated}}}};
}

const Register kKernelReadPaths{
    {.id = "pages/kernel_read_paths",
     .summary = "the kernel's own reads get the zero page, its writes memory",
     .claim = "Seed 0: \"reading does not trigger allocation\" "
              "(zero_page.kernel_read_paths); mlock(2), madvise(2)",
     .functions =
         "faultin_page, populate_vma_page_range, faultin_page_range, mmap_zero",
     .look_at = "rss: which path allocates; faults: which no longer counts or "
                "takes more than one page at a time",
     .suite = Suite::kQuick,
     .params = {{"path",
                 {"write", "process_vm", "proc_mem", "dev_zero", "map_populate",
                  "populate_read", "populate_read_writable", "populate_write",
                  "mlock_readonly", "mlock_writable"}}},
     .steps = Make,
     .metrics = {Metric::Size("rss", "have the kernel read each page.rss")}}};

}  // namespace
}  // namespace oomgate::pages
