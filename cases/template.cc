// SPDX-License-Identifier: Apache-2.0
// Reading untouched anonymous memory maps the shared zero page: no RAM is used.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts&) {
  const Range range = MapAnonymous(trace, p.Size("size"));
  ReadPages(trace, range);
  trace.Set("rss", ReadMapping(range).rss);
}

Oracle Expect(const Params& p, const Facts&) {
  return AllOf(Survives(), Touches(Eq(p.Size("size") / kPage)),
               Size("rss", Eq(0_B)));
}

const Register kTemplate{
    {.id = "template",
     .summary = "a case to copy: reads share the zero page",
     .params = {{"size", {"4m", "16m"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "rss", .better = Better::kLower, .unit = "bytes"}},
     .meta = true}};  // hides the template: leave this line out

}  // namespace
}  // namespace oomgate
