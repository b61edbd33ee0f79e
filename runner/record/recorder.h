// SPDX-License-Identifier: Apache-2.0
// Where everything that happens in a run comes together: the files of the run
// and its report. Several groups tell it things at the same time.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runner/backend.h"
#include "runner/plan.h"
#include "runner/record/run_folder.h"
#include "runner/report/report.h"

namespace oomgate {

class Recorder {
 public:
  // `run` has what is known before: program, command, metrics. `interrupted`:
  // a `lost` is from now on an effect of Ctrl-C, not a finding. `on_failure` is
  // called once, when the files can no longer be written: the run must stop.
  Recorder(Run run, const Plan& plan, RunFolder& folder, Report& report,
           std::function<bool()> interrupted, std::function<void()> on_failure);
  ~Recorder();

  // The sink for one group's backend; it must not outlive the recorder.
  std::unique_ptr<Sink> SinkFor(const OrderGroup& group);

  void Notice(const std::string& text);
  // Orders of the group that have no result so far get `broken`.
  void BreakPending(const OrderGroup& group, const std::string& reason);
  // Writes run.json where it is behind; throws nothing.
  void SaveIfBehind();
  // Completes run.json and ends the report. Throws what stopped the writing.
  Run Finish();

 private:
  class GroupSink;
  void Guarded(const std::function<void()>& write);
  void Add(const Result& result);
  void Save();

  std::mutex mutex_;
  Run run_;
  const Plan& plan_;
  RunFolder& folder_;
  Report& report_;
  const std::function<bool()> interrupted_;
  const std::function<void()> on_failure_;
  std::size_t planned_ = 0;
  std::exception_ptr failure_;
  const std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point saved_;
  bool behind_ = false;
  const OrderGroup* last_writer_ = nullptr;
};

}  // namespace oomgate
