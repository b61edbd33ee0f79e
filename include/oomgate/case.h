// SPDX-License-Identifier: Apache-2.0
// A case is a value: what the kernel promises, the deed that puts it to the
// test, and the oracle that decides. What every case includes; a few need one
// more of this folder (cost, deed_mark, frame, numbered_pages, page_out,
// scratch_disk, swap_area, userfaultfd).
//
//   Subject   runs in a process of its own, inside the box, and may die there.
//             Never asserts, throws, logs; never allocates after a first touch.
//   Expect    runs in the judge, outside the box, after the subject ended.
//
// Start from cases/template.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oomgate/facts.h"
#include "oomgate/group.h"
#include "oomgate/memory.h"
#include "oomgate/model/case_info.h"
#include "oomgate/model/metric.h"
#include "oomgate/model/needs.h"
#include "oomgate/model/params.h"
#include "oomgate/model/units.h"
#include "oomgate/outcome.h"
#include "oomgate/process.h"
#include "oomgate/trace.h"
#include "oomgate/usage.h"

namespace oomgate {

// A parameter and the values that it takes: every combination is an instance.
struct Axis {
  std::string name;
  std::vector<std::string> values;
};

using Deed = void (*)(Trace&, const Params&, const Facts&);

// A process that is there while the subject runs: prepared before it starts,
// then idle until the judge has looked whether it still lives. Its trace
// values come out as "<name>.<value>"; "<name>.alive" is 1 or 0.
struct Bystander {
  std::string name;
  Deed prepare = nullptr;
  int oom_score_adj = 0;
  bool in_box = true;
};

// A bug that is known: between the two kernels, `since` included and `fixed`
// not, the oracle may fail ("known" instead of "fail").
struct Known {
  std::string what;  // and the fixing commit
  KernelVersion since = {};
  KernelVersion fixed = {};
};

struct Case {
  std::string id;       // the path below cases/, without .cc
  std::string summary;  // the promise, in one line
  Explanation explains = {};
  Suite suite = Suite::kDefault;
  Blast blast = Blast::kProcess;
  Needs needs = {};
  // Changes needs, suite or time limit of one instance by its parameters.
  void (*adjust)(const Params&, InstanceInfo&) = nullptr;
  std::vector<Axis> params = {};
  // A reason to skip that only the running kernel knows; "" to go on. Probes
  // for a feature, never compares versions.
  std::string (*probe)(const Params&, const Facts&) = nullptr;
  Deed subject = nullptr;
  Oracle (*expect)(const Params&, const Facts&) = nullptr;
  std::vector<Bystander> bystanders = {};
  int oom_score_adj = 1000;  // the subject's: the first to go
  std::vector<Metric> metrics = {};
  std::vector<Known> known = {};
  // The promise is that the guest's kernel panics, with these words on its
  // console. The oracle is only asked where it does not.
  std::string panics = {};
  int timeout_seconds = 30;  // the subject's
  bool meta = false;         // proves the harness: runs only when named
};

// Declares a case: a namespace-scope constant, no other line anywhere.
class Register {
 public:
  Register(Case definition, const char* file = __builtin_FILE());
};

}  // namespace oomgate
