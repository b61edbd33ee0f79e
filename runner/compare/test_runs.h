// SPDX-License-Identifier: Apache-2.0
// Runs for tests: one line says what matters, the rest is the same in all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

inline Run TestRun(const std::string& kernel = "6.1.0-1") {
  Run run;
  run.oomgate = "1.0.0";
  run.started = "2026-01-31T12:00:00Z";
  run.finished = "2026-01-31T12:01:00Z";
  run.command = "oomgate run";
  Start start;
  start.place = "vm";
  start.shape = "vm-256m-1cpu";
  start.kernel = kernel;
  start.version = "#1 of " + kernel;
  start.accelerator = "tcg";
  start.qemu = "7.2.22 (Debian 1:7.2)";
  start.kernel_digest = "digest of " + kernel;
  start.cpu = "QEMU TCG CPU";
  start.command_line = "quiet";
  start.taint = "0";
  start.mem_total = 228999168;
  start.cpus = 1;
  start.nodes = 1;
  start.settings = {{"/proc/sys/vm/overcommit_memory", "0"}};
  run.starts = {start};
  return run;
}

// Adds a pass with these metrics; the returned result is there to be changed.
inline Result& AddResult(Run& run, const std::string& id,
                         std::map<std::string, double> metrics = {}) {
  Result result;
  result.id = id;
  result.verdict = Verdict::kPass;
  result.end = "exited 0";
  result.place = run.starts.at(0).place;
  result.shape = run.starts.at(0).shape;
  result.kernel = run.starts.at(0).kernel;
  result.metrics = std::move(metrics);
  run.results.push_back(std::move(result));
  return run.results.back();
}

}  // namespace oomgate
