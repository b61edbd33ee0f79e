// SPDX-License-Identifier: Apache-2.0
// There is one zero page: every page that was only read, in every process, has
// the same frame, and the kernel flags it as the zero page.
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

// Documentation/admin-guide/mm/pagemap.rst.
constexpr std::uint64_t kFrame = (1ULL << 55) - 1;
constexpr int kFlagAnon = 12;
constexpr int kFlagZeroPage = 24;

constexpr Bytes kSize = 16_MiB;

std::uint64_t Entry(const char* path, std::uint64_t index) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  std::uint64_t entry = 0;
  if (fd < 0 ||
      pread(fd, &entry, sizeof entry,
            static_cast<off_t>(index * sizeof entry)) != sizeof entry) {
    entry = 0;
  }
  close(fd);
  return entry;
}

std::uint64_t MapEntry(const char* at) {
  return Entry("/proc/self/pagemap",
               reinterpret_cast<std::uintptr_t>(at) / kPage.count);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = pages::MapApart(trace, kSize, PROT_READ | PROT_WRITE);
  unsigned char resident[2] = {};
  trace.Set("present_before", MapEntry(range.start) >> 63);
  mincore(range.start, 2 * kPage.count, resident);
  trace.Set("resident_before", (resident[0] & 1) + (resident[1] & 1));
  ReadPages(trace, range);
  const std::uint64_t first = MapEntry(range.start);
  std::int64_t others = 0;
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    if (MapEntry(at) != first) ++others;
  }
  trace.Set("present", first >> 63);
  trace.Set("other_frames", others);
  mincore(range.start, 2 * kPage.count, resident);
  trace.Set("resident", (resident[0] & 1) + (resident[1] & 1));
  const std::uint64_t flags = Entry("/proc/kpageflags", first & kFrame);
  trace.Set("zero_page_flag", flags >> kFlagZeroPage & 1);
  trace.Set("anon_flag", flags >> kFlagAnon & 1);
  // Another process, a mapping of its own.
  Reap(StartChild(trace, [&] {
    const Range own = MapAnonymous(trace, kPage);
    ReadPages(trace, own);
    trace.Set("child_differs",
              (MapEntry(own.start) & kFrame) != (first & kFrame) ? 1 : 0);
  }));
  // A write makes it another frame, of this page only.
  WritePages(trace, range.Part(0_B, kPage));
  const std::uint64_t written = MapEntry(range.start);
  trace.Set("written_present", written >> 63);
  trace.Set("written_differs", (written & kFrame) != (first & kFrame) ? 1 : 0);
  const std::uint64_t own = Entry("/proc/kpageflags", written & kFrame);
  trace.Set("written_zero_flag", own >> kFlagZeroPage & 1);
  trace.Set("written_anon_flag", own >> kFlagAnon & 1);
  trace.Set("neighbour_differs",
            MapEntry(range.start + kPage.count) != first ? 1 : 0);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), Count("present_before", Eq(0)),
      Count("resident_before", Eq(0)), Count("present", Eq(1)),
      Count("other_frames", Eq(0)), Count("resident", Eq(2)),
      Count("zero_page_flag", Eq(1)), Count("anon_flag", Eq(0)),
      Count("child_differs", Eq(0)), Count("written_present", Eq(1)),
      Count("written_differs", Eq(1)), Count("written_zero_flag", Eq(0)),
      Count("written_anon_flag", Eq(1)), Count("neighbour_differs", Eq(0)));
}

std::string Probe(const Params&, const Facts&) {
  // The effective capabilities of root are its bounding set.
  const bool may =
      geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1;
  return may ? "" : "pagemap tells frames only with CAP_SYS_ADMIN";
}

const Register kPfnIdentity{
    {.id = "pages/pfn_identity",
     .summary = "all pages that were only read are one frame: the zero page",
     .explains = {.claim = "Seed 0: reads map \"the zero page\" "
                           "(zero_page.pfn_identity)",
                  .deed = "reads 16 MiB, compares the frames of all pages and "
                          "of another process, then writes one",
                  .functions = "my_zero_pfn, is_zero_pfn, stable_page_flags",
                  .look_at = "/proc/self/pagemap and /proc/kpageflags"},
     .suite = Suite::kQuick,
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
