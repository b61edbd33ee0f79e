// SPDX-License-Identifier: Apache-2.0
// Mode 1 allows to map twice the cgroup's limit; to write it does not: the
// limit is where the writer is killed.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params&, const Facts& f) {
  WritePages(trace, MapAnonymous(trace, 2 * f.box, {.flags = kPrivate}));
}

Oracle Expect(const Params&, const Facts& f) {
  // At most 96 pages of stack, text and tables are the subject's own, and each
  // 512 pages cost a table.
  const Bytes most = f.box * 512 / 513;
  return AllOf(OomKilled(), OomVictimIsSubject(),
               OomConstraint("CONSTRAINT_MEMCG"),
               Written(Between(most - 96 * kPage, most)));
}

const Register kAlwaysMemcgKills{
    {.id = "overcommit/always_memcg_kills",
     .summary = "mode 1: a cgroup's limit still kills, to the page",
     .claim = "overcommit.always.still_enforced; seed 2 on mode 1",
     .deed = "in mode 1, writes twice the limit of its cgroup",
     .functions = "try_charge_memcg, mem_cgroup_out_of_memory",
     .look_at = "how much it wrote",
     .blast = Blast::kCgroup,
     .needs = {.memory = 16_MiB,
               .kernel_log = true,
               .settings = {kVmKnobs.With(kMode, "1")}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
