// SPDX-License-Identifier: Apache-2.0
// Reading the clock maps the kernel's time page: since 7.1 it counts as
// resident memory, before it did not.
#include <time.h>

#include <cstring>

#include "cases/counters/statm.h"

namespace oomgate {
namespace {

// Of the mapping with that name, as smaps has it; -1 B without one.
Bytes RssOf(const char* name) {
  static char text[64 << 10];
  const int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
  std::size_t filled = 0;
  ssize_t n = 0;
  while ((n = read(fd, text + filled, sizeof text - 1 - filled)) > 0) {
    filled += static_cast<std::size_t>(n);
  }
  close(fd);
  text[filled] = '\0';
  const char* at = std::strstr(text, name);
  if (at == nullptr) return Bytes{-1};
  return std::strtoll(std::strstr(at, "\nRss:") + 5, nullptr, 10) * 1_KiB;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();
  const RssSync sync(trace);
  RssOf("[vvar]");
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  sync.Now();
  trace.Set("vvar", RssOf("[vvar]"));
  trace.Set("vdso", RssOf("[vdso]"));
  const Range all{.size = Bytes{INT64_MAX}};
  trace.Set("rss", StatusField("VmRSS"));
  trace.Set("smaps", MappingField(all, "Rss"));
}

std::string WhyNot(const Params& p, const Facts& f) {
  if (RssOf("[vvar]") < 0_B) return "no vDSO data page is mapped";
  return WhyInexactRss(p, f);
}

Oracle Expect(const Params&, const Facts& f) {
  // Four pages at most: the time, its offsets, random numbers, the CPU's own.
  const bool counted = f.kernel >= KernelVersion{7, 1};
  return AllOf(
      Survives(),
      Size("vvar", counted ? Between(kPage, 4 * kPage) : Between(0_B, 0_B)),
      Size("vdso", Between(kPage, 4 * kPage)),
      Difference("rss", "smaps", Eq(0)));
}

const Register kVvarRss{
    {.id = "counters/vvar_rss",
     .summary = "[vvar] counts as resident since 7.1, as nothing before",
     .explains = {.claim = "Seed 0: what RSS holds: the pages that the kernel "
                           "shares with all are an exception up to 7.0",
                  .deed = "reads the clock, and smaps of [vvar]",
                  .functions = "vvar_fault, vm_normal_page",
                  .look_at = "rss less smaps: whether both counters agree"},
     .probe = WhyNot,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
