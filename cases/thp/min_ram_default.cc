// SPDX-License-Identifier: Apache-2.0
// Below 512 MiB of RAM the kernel boots without huge pages, the huge zero page
// included; from there on it boots as it was configured.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

// The place, from 1, of the value in brackets: "always [madvise] never" is 2.
std::int64_t Chosen(const char* file) {
  char text[128] = "";
  const int fd = open(kThpKnobs.PathOf(file).text, O_RDONLY | O_CLOEXEC);
  (void)!read(fd, text, sizeof text - 1);
  close(fd);
  const char* const bracket = std::strchr(text, '[');
  if (bracket == nullptr) return 0;
  return 1 + std::count(static_cast<const char*>(text), bracket, ' ');
}

auto WritesAByte(MapOptions::Pages pages) {
  return [=](Scene& s) { WriteAByte(s, pages); };
}

Steps<Scene> Make(const Params&, const Facts& f) {
  const bool small = f.ram < 512_MiB;
  const auto chosen = [](const char* file, int place) {
    return Is(
        file, [=] { return Chosen(file); }, place);
  };
  const auto number = [](const char* file, std::int64_t value) {
    return Is(
        file, [=] { return kThpKnobs.Number(file); }, value);
  };
  const Bytes brings = small ? kPage : kHugePage;
  return {{"look at the knobs", [] {},
           // [always] madvise [never]
           chosen("enabled", small ? 3 : 1),
           // always defer defer+madvise [madvise] [never]
           chosen("defrag", small ? 5 : 4),
           // always within_size advise [never] deny force
           chosen("shmem_enabled", 4), number("use_zero_page", small ? 0 : 1),
           number("hpage_pmd_size", kHugePage.count),
           number("khugepaged/defrag", small ? 0 : 1),
           number("khugepaged/max_ptes_none", 511),
           number("khugepaged/max_ptes_shared", 256),
           number("khugepaged/max_ptes_swap", 64),
           number("khugepaged/pages_to_scan", 4096),
           number("khugepaged/scan_sleep_millisecs", 10000),
           number("khugepaged/alloc_sleep_millisecs", 60000)},
          {"write a byte, plain", WritesAByte(MapOptions::kDefault),
           Size("rss", brings)},
          {"write a byte, asked", WritesAByte(MapOptions::kHuge),
           Size("rss", brings)}};
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
     .claim = "hugepage_init: \"By default disable transparent hugepages on "
              "smaller systems\"",
     .functions = "hugepage_init, khugepaged_init",
     .look_at = "enabled, defrag: which word of the file is in brackets",
     .needs = {.alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           instance.needs.memory = p.Size("ram");
         },
     .params = {{"ram", {"256m", "768m"}}},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
