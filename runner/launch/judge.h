// SPDX-License-Identifier: Apache-2.0
// Runs one judge in one box, and passes on what it says. The same code on a
// host (in `oomgate`) and in a guest (in PID 1): POSIX only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/launch/orders.h"

namespace oomgate {

// Gets one JSON record, without line break.
using LineSink = std::function<void(std::string_view line)>;

struct JudgeSetup {
  std::string program;  // path of oomgate-cases
  int cgroup = 0;       // version of the memory controller to box with; 0: none
  std::string cgroup_parent;  // folder below which boxes are made
  // All of the machine is the box: only in a guest.
  bool own_machine = false;
  int cancel_fd = -1;  // readable: kill the judge and return
};

// What the judge is called with; `box`: "machine", "process", "cgroup:/…".
std::vector<std::string> JudgeWords(const JudgeSetup& setup,
                                    const JudgeOrder& order,
                                    const std::string& box);

// Emits `begin`, the judge's own records, and, unless a `result` ended them,
// `lost` with the cause: {"event":"lost","id":…,"params":…,"cause":"deadline",
// "broken":false,"log":"last words"}. `broken` is true where no judge could be
// started at all. The box, the judge and its children are gone on return.
void RunJudge(const JudgeSetup& setup, const JudgeOrder& order,
              const LineSink& sink);

// Emits `start`: kernel, memory, CPUs, nodes, taint, settings in force.
// And what these files hold, where they can be read.
void EmitStart(const LineSink& sink,
               const std::vector<std::string>& shown = {});

// The name of the first processor; "" where it has none.
std::string CpuModel();

}  // namespace oomgate
