// SPDX-License-Identifier: Apache-2.0
// A parent that is exempt from the OOM killer outlives a child that gave the
// exemption up and filled their box: the postmaster and its backends.
#include "oomgate/case.h"

namespace oomgate {
namespace {

int SetAdj(int value) {
  return KernelFolder("/proc/self").Write("oom_score_adj", value);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const int refused = SetAdj(-1000);
  if (refused != 0) trace.Stop("writing -1000 to oom_score_adj", refused);
  const Range range = MapAnonymous(trace, 2 * f.box);
  const int status = RunChild(trace, [&] {
    trace.Set("raise_errno", SetAdj(0));
    WritePages(trace, range);
  });
  trace.Set("child_signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

std::string Probe(const Params&, const Facts&) {
  const pid_t child = fork();
  if (child == 0) _exit(SetAdj(-1000));
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status == 0)
    return "";
  return "needs to lower oom_score_adj (CAP_SYS_RESOURCE), may not";
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("raise_errno", 0),
               Count("child_signal", SIGKILL), Count("oom_kills", 1));
}

const Register kProtectedParent{
    {.id = "validate/protected_parent",
     .summary = "a parent at -1000 outlives its child at 0 in a full box",
     .claim = "PostgreSQL: postmaster exempt, backends killable "
              "(PG_OOM_ADJUST_FILE, PG_OOM_ADJUST_VALUE)",
     .deed = "sets -1000, forks; the child sets 0 and fills the box",
     .functions = "oom_badness, select_bad_process",
     .look_at = "child_signal, oom_kills",
     .blast = Blast::kCgroup,
     .needs = {.memory = 32_MiB},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks

}  // namespace
}  // namespace oomgate
