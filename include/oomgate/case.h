// SPDX-License-Identifier: Apache-2.0
// A case is a value: what the kernel promises, and the steps that prove it.
// What every case includes; a few need one more of this folder (cost,
// deed_mark, frame, numbered_pages, page_out, scratch_disk, swap_area,
// userfaultfd).
//
// A step is a row: name, act, expectation (step.h). Acts run in a process of
// their own, the subject, inside the box, and may die there: they never assert,
// throw or log, and never allocate after a first touch. Expectations are judged
// outside the box, after the subject ended.
//
// Start from cases/template.cc.
#pragma once

// The system calls that most cases make.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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
#include "oomgate/step.h"
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

struct Case {
  std::string id;       // the path below cases/, without .cc
  std::string summary;  // the promise, in one line
  // What `oomgate explain` tells beyond it; fields of Explanation.
  std::string claim = {};
  std::string deed = {};
  std::string functions = {};
  std::string look_at = {};
  Suite suite = Suite::kDefault;
  Blast blast = Blast::kProcess;
  Needs needs = {};
  // Changes needs, suite or time limit of one instance by its parameters.
  void (*adjust)(const Params&, InstanceInfo&) = nullptr;
  std::vector<Axis> params = {};
  // A reason to skip that only the running kernel knows; "" to go on. Probes
  // for a feature, never compares versions.
  std::string (*probe)(const Params&, const Facts&) = nullptr;
  // What the subject does and what is expected of it. Either steps; or, where
  // there is but one, a deed and its expectations: then the values that it sets
  // have their plain names.
  Script steps = {};
  Deed subject = nullptr;
  Oracle (*expect)(const Params&, const Facts&) = nullptr;
  std::vector<Bystander> bystanders = {};
  int oom_score_adj = 1000;  // the subject's: the first to go
  std::vector<Metric> metrics = {};
  std::vector<Known> known = {};
  // The promise is that the guest's kernel panics, with these words on its
  // console. A subject that ends in any other way breaks it.
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
