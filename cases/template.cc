// SPDX-License-Identifier: Apache-2.0
// Each page that is written is RAM from then on: RSS tells, to the page.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts&) {
  const Range range = MapAnonymous(trace, p.Size("size"));
  WritePages(trace, range);
  trace.Set("rss", ReadMapping(range).rss);
}

Oracle Expect(const Params& p, const Facts&) {
  return AllOf(Survives(), Touches(Eq(p.Size("size") / kPage)),
               Size("rss", Eq(p.Size("size"))));
}

const Register kTemplate{
    {.id = "template",
     .summary = "a case to copy: what is written is RSS",
     .params = {{"size", {"4m", "16m"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "rss", .better = Better::kLower, .unit = "bytes"}},
     .meta = true}};  // hides the template: leave this line out

}  // namespace
}  // namespace oomgate
