// SPDX-License-Identifier: Apache-2.0
// Each page that is written is RAM from then on, and no page twice.
#include "oomgate/case.h"

namespace oomgate {
namespace {

struct Memory : Scene {
  Range range = MapAnonymous(trace, p.Size("size"));
  Bytes Rss() const { return ReadMapping(range).rss; }
};

void Write(Memory& m) { WritePages(m.trace, m.range); }

Steps<Memory> Make(const Params& p, const Facts&) {
  const Bytes size = p.Size("size");
  return {{"write all", Write, Touches(size / kPage),
           Is("rss", &Memory::Rss, size)},
          {"write again", Write, Change("rss", &Memory::Rss, 0_B)}};
}

const Register kTemplate{
    {.id = "template",
     .summary = "a case to copy: what is written is RSS",
     .params = {{"size", {"4m", "16m"}}},
     .steps = Make,
     .metrics = {Metric::Size("rss", "write all.rss")},
     .meta = true}};  // hides the template: leave this line out

}  // namespace
}  // namespace oomgate
