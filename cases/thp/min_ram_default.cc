// SPDX-License-Identifier: Apache-2.0
// Below 512 MiB of RAM the kernel boots without huge pages, the huge zero page
// included; from there on it boots as it was configured.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

// The place, from 1, of the value in brackets: "always [madvise] never" is 2.
std::int64_t Chosen(const char* file) {
  char path[96];
  std::snprintf(path, sizeof path, "%s%s", kThp, file);
  char text[128] = "";
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  (void)!read(fd, text, sizeof text - 1);
  close(fd);
  const char* const bracket = std::strchr(text, '[');
  if (bracket == nullptr) return 0;
  std::int64_t place = 1;
  for (const char* at = text; at < bracket; ++at) place += *at == ' ' ? 1 : 0;
  return place;
}

std::int64_t Number(const char* file) {
  char path[96];
  std::snprintf(path, sizeof path, "%s%s", kThp, file);
  return NumberIn(path);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  trace.Set("enabled", Chosen("enabled"));
  trace.Set("defrag", Chosen("defrag"));
  trace.Set("shmem_enabled", Chosen("shmem_enabled"));
  trace.Set("use_zero_page", Number("use_zero_page"));
  trace.Set("pmd_size", Number("hpage_pmd_size"));
  trace.Set("khugepaged_defrag", Number("khugepaged/defrag"));
  trace.Set("max_ptes_none", Number("khugepaged/max_ptes_none"));
  trace.Set("max_ptes_shared", Number("khugepaged/max_ptes_shared"));
  trace.Set("max_ptes_swap", Number("khugepaged/max_ptes_swap"));
  trace.Set("pages_to_scan", Number("khugepaged/pages_to_scan"));
  trace.Set("scan_sleep", Number("khugepaged/scan_sleep_millisecs"));
  trace.Set("alloc_sleep", Number("khugepaged/alloc_sleep_millisecs"));

  MapOptions options;
  options.pages = MapOptions::kDefault;
  const Range plain = MapAnonymous(trace, kHugePage, options);
  WritePages(trace, plain, kHugePage);
  trace.Set("plain_rss", ReadMapping(plain).rss);
  Unmap(trace, plain);
  const Range asked = MapHuge(trace, kHugePage);
  WritePages(trace, asked, kHugePage);
  trace.Set("asked_rss", ReadMapping(asked).rss);
  Unmap(trace, asked);
}

Oracle Expect(const Params&, const Facts& f) {
  const bool small = f.ram < 512_MiB;
  // always [madvise] never; always defer defer+madvise [madvise] never.
  constexpr int kAlways = 1;
  constexpr int kNever = 3;
  constexpr int kDefragOnAdvice = 4;
  constexpr int kDefragNever = 5;
  const Oracle chosen = AllOf(
      Count("enabled", Eq(small ? kNever : kAlways)),
      Count("defrag", Eq(small ? kDefragNever : kDefragOnAdvice)),
      // always within_size advise [never] deny force
      Count("shmem_enabled", Eq(4)), Count("use_zero_page", Eq(small ? 0 : 1)),
      Count("khugepaged_defrag", Eq(small ? 0 : 1)),
      Size("pmd_size", Eq(kHugePage)));
  const Oracle khugepaged =
      AllOf(Count("max_ptes_none", Eq(511)), Count("max_ptes_shared", Eq(256)),
            Count("max_ptes_swap", Eq(64)), Count("pages_to_scan", Eq(4096)),
            Count("scan_sleep", Eq(10000)), Count("alloc_sleep", Eq(60000)));
  return AllOf(Survives(), chosen, khugepaged,
               Size("plain_rss", Eq(small ? kPage : kHugePage)),
               Size("asked_rss", Eq(small ? kPage : kHugePage)));
}

// The choice of the kernel's configuration, for machines that are large enough.
std::string Probe(const Params&, const Facts& f) {
  return f.ram >= 512_MiB && Chosen("enabled") == 2
             ? "this kernel is configured to give THP on advice only"
             : "";
}

const Register kMinRamDefault{
    {.id = "thp/min_ram_default",
     .summary = "below 512 MiB the kernel boots without huge pages",
     .explains =
         {.claim = "hugepage_init: \"By default disable transparent hugepages "
                   "on smaller systems\"",
          .deed = "reads the knobs as the kernel booted, and writes a byte to "
                  "mappings that ask for huge pages and that do not",
          .functions = "hugepage_init, khugepaged_init",
          .look_at = "enabled counts the words before the bracket: 1 always, "
                     "2 madvise, 3 never"},
     .needs = {.alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           instance.needs.memory = p.Size("ram");
         },
     .params = {{"ram", {"256m", "768m"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
