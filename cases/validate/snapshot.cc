// SPDX-License-Identifier: Apache-2.0
// A snapshot by fork, in a box: the parent rewrites all of its data while the
// child reads what it was, and both live.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kData = 24_MiB;  // twice of it fits the box

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range data =
      MapAnonymous(trace, kData, {.pages = MapOptions::kDefault});
  WritePages(trace, data);
  const char was = data.start[0];
  Gate rewritten(trace);
  const pid_t child = StartChild(trace, [&] {
    rewritten.Pass();
    _exit(CountOther(data, was) == 0 ? 0 : 1);
  });
  for (char* at = data.start; at < data.end(); at += kPage.count)
    *at = static_cast<char>(was + 1);
  rewritten.Open();
  trace.Set("child_status", Reap(child));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("child_status", 0), Count("oom_kills", 0));
}

const Register kSnapshot{
    {.id = "validate/snapshot",
     .summary = "a child keeps the data that its parent rewrites",
     .claim = "BGSAVE of redis under writes: fork and copies of what changes, "
              "within twice the data",
     .deed =
         "writes 24 MiB, forks, rewrites all; the child looks at it afterwards",
     .functions = "copy_page_range, do_wp_page",
     .look_at = "child_status; oom_kills of the box",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB},
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks

}  // namespace
}  // namespace oomgate
