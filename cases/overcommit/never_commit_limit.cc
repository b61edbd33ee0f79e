// SPDX-License-Identifier: Apache-2.0
// In mode 2 the limit is a formula, and the largest mapping reaches it to the
// page: CommitLimit, less what is committed, less the user's reserve.
#include <algorithm>
#include <cstdlib>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr const char* kMemory = "/proc/sys/vm/overcommit_memory";
constexpr const char* kRatio = "/proc/sys/vm/overcommit_ratio";
constexpr const char* kKbytes = "/proc/sys/vm/overcommit_kbytes";
constexpr const char* kHugePages = "/proc/sys/vm/nr_hugepages";

// ratio=0 stands for a limit in kB.
constexpr const char* kLimitKb = "100000";

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Bytes limit = Meminfo("CommitLimit");
  // The rule of mm/util.c, __vm_enough_memory, for a caller with
  // CAP_SYS_ADMIN: of the limit, the user's reserve is kept (at most 1/32 of
  // what this process has), and what is committed must stay below the rest.
  const std::int64_t reserve =
      std::min(NumberIn("/proc/self/statm") / 32,
               NumberIn("/proc/sys/vm/user_reserve_kbytes") / 4);
  const Bytes expected =
      limit - reserve * kPage - Meminfo("Committed_AS") - kPage;
  const Bytes largest = LargestMap(PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, f.ram + f.swap);
  trace.Set("commit_limit", limit);
  trace.Set("largest", largest);
  trace.Set("largest_error", largest - expected);
}

Oracle Expect(const Params& p, const Facts& f) {
  const std::int64_t huge = p.Number("hugepages") * (kHugePage / kPage);
  const std::int64_t pages =
      p.Number("ratio") > 0 ? (f.ram / kPage - huge) * p.Number("ratio") / 100
                            : std::atoll(kLimitKb) / 4;
  return AllOf(
      Survives(), Size("commit_limit", Eq(pages * kPage + f.swap)),
      Size("largest_error", Between(0_B - f.commit_slack(), f.commit_slack())));
}

void Adjust(const Params& p, Needs& needs) {
  // Writing one of ratio and kbytes clears the other.
  if (p.Number("ratio") > 0) {
    needs.settings.push_back({kRatio, std::string(p["ratio"])});
  } else {
    needs.settings.push_back({kKbytes, kLimitKb});
  }
  needs.settings.push_back({kHugePages, std::string(p["hugepages"])});
  needs.settings.push_back({kMemory, "2"});
  needs.swap = p.Size("swap");
}

const Register kNeverCommitLimit{
    {.id = "overcommit/never_commit_limit",
     .summary = "mode 2: CommitLimit by its formula, and reached to the page",
     .explains =
         "Claim: the CommitLimit formula; that the limit were \"total RAM + "
         "CommitLimit\" is wrong, as the largest mapping shows. Kernel: "
         "vm_commit_limit, __vm_enough_memory. largest_error is what the "
         "kernel allowed beyond the rule.",
     .needs = {.alone = true},
     .adjust = Adjust,
     .params = {{"ratio", {"0", "50", "80"}},
                {"hugepages", {"0", "8"}},
                {"swap", {"0", "64m"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "commit_limit", .unit = "bytes"},
                 {.name = "largest_error",
                  .better = Better::kLower,
                  .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
