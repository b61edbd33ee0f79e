// SPDX-License-Identifier: Apache-2.0
// Reading the clock maps the kernel's time page: since 7.1 it counts as
// resident memory, before it did not.
#include <time.h>

#include "cases/counters/statm.h"

namespace oomgate {
namespace {

// Of the mapping with that name, as smaps has it; -1 B without one.
Bytes RssOf(const char* name) {
  const char* const at = std::strstr(ReadWhole("/proc/self/smaps"), name);
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
  trace.Set("rss", StatusField("VmRSS"));
  trace.Set("smaps", MappingField(kAll, "Rss"));
}

std::string WhyNot(const Params& p, const Facts& f) {
  if (RssOf("[vvar]") < 0_B) return "no vDSO data page is mapped";
  return WhyInexactRss(p, f);
}

Oracle Expect(const Params&, const Facts& f) {
  // Four pages at most: the time, its offsets, random numbers, the CPU's own.
  const auto counted = Between(kPage, 4 * kPage);
  return AllOf(
      Survives(),
      Size("vvar",
           f.kernel >= KernelVersion{7, 1} ? counted : Between(0_B, 0_B)),
      Size("vdso", counted), Difference("rss", "smaps", 0));
}

const Register kVvarRss{
    {.id = "counters/vvar_rss",
     .summary = "[vvar] counts as resident since 7.1, as nothing before",
     .claim = "Seed 0: what RSS holds: the pages that the kernel shares with "
              "all are an exception up to 7.0",
     .deed = "reads the clock, and smaps of [vvar]",
     .functions = "vvar_fault, vm_normal_page",
     .probe = WhyNot,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
