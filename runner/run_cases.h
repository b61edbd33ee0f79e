// SPDX-License-Identifier: Apache-2.0
// Carries out what `oomgate run` was asked for: selects, plans, runs, records.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oomgate/model/case_info.h"
#include "oomgate/model/environment.h"
#include "oomgate/model/run.h"
#include "runner/report/report.h"
#include "runner/shard.h"

namespace oomgate {

// As a file of symbols, stands for what a guest's own kernel says: the host's
// file is of no use.
constexpr const char* kGuestsOwnSymbols = "/proc/kallsyms";

struct RunOptions {
  std::vector<std::string> patterns = {};  // none: all but meta cases
  Suite suite = Suite::kDefault;
  std::string on = "auto";
  // Of guests; "" or nothing: what each case needs.
  std::string kernel = {};
  std::filesystem::path kernels = {};  // the cache of them; "": the user's
  std::string memory = {};
  std::string swap = {};
  std::string swap_device = {};
  std::string append = {};
  std::vector<Setting> settings = {};
  std::string accel = "auto";
  Clock clock = Clock::kWall;
  // Counts instructions by function; the file that names them.
  std::optional<std::string> profile = {};
  std::optional<int> cpus = {};
  std::optional<int> nodes = {};
  std::optional<int> cgroup = {};
  std::optional<int> jobs = {};
  std::optional<int> timeout = {};
  std::string results = "results/runs";
  bool keep = false;
  bool cold = false;
  bool invert = false;
  std::string without = {};  // the step whose act is left out
  // "auto" means a guest: something above is about guests.
  bool guest_wanted = false;
  // Only a part of the instances, of about the same length as the others by
  // what these earlier runs took.
  std::optional<ShardNumber> shard = {};
  std::vector<std::string> durations = {};
  // Options that must be the same in all shards, as typed.
  std::vector<std::string> conditions = {};
  std::string command = {};  // as typed, for the record
};

struct RunDone {
  Run run;
  std::filesystem::path run_json;
};

// A run from start to end: its folder is below `options.results`, and what
// happens is told to `report`. Ctrl-C ends it in order (`run.interrupted`).
// Throws UserError and HarnessError.
RunDone RunCases(const RunOptions& options, Report& report);

}  // namespace oomgate
