// SPDX-License-Identifier: Apache-2.0
// Each probe is a run of one instance; what it leaves is the evidence.
#include "runner/validate/probe.h"

#include <fmt/core.h>

#include <algorithm>

#include "runner/cgroup/cgroup_backend.h"
#include "runner/cgroup/delegation.h"
#include "runner/error.h"
#include "runner/programs.h"
#include "runner/record/findings_text.h"
#include "runner/report/report.h"
#include "runner/report/text.h"
#include "runner/run_cases.h"
#include "runner/this_machine.h"

namespace oomgate {
namespace {

using Seconds = std::chrono::duration<double>;
constexpr int kSecondsEach = 10;
constexpr int kSecondsInTwin = 60;

class Silent : public Report {
 public:
  void Planned(int, int) override {}
  void Started(const Start&) override {}
  void Began(const Shape&, const InstanceName&) override {}
  void Finished(const Result&) override {}
  void Noticed(const std::string&) override {}
  void Over(const Run&, const std::string&, double) override {}
};

// Boxes are made only where nothing of the host changes by it.
std::string NoBoxes() {
  const auto controller = FindBoxPlace();
  if (!controller) return "no memory cgroup controller is mounted";
  if (FirstLine("/proc/sys/vm/panic_on_oom") == "2") {
    return "panic_on_oom is 2: a full cgroup would panic this machine; "
           "add --twin";
  }
  if (controller->version == 2 && !MayMakeGroups(controller->mount)) {
    return fmt::format(
        "not root, and no cgroup with memory is delegated to this user, or "
        "not to this process alone: {}oomgate validate ..., or sudo",
        kDelegatedScope);
  }
  if (controller->version == 2 &&
      FirstLine(controller->mount + "/cgroup.subtree_control").find("memory") ==
          std::string::npos) {
    return "the memory controller is off for children of " + controller->mount +
           ", and is not switched on for a probe";
  }
  return CgroupBackend::MissingHere();
}

const InstanceInfo* InstanceOf(const CaseInfo& info, const Params& params) {
  const auto found = std::ranges::find_if(
      info.instances, [&](const auto& i) { return i.params == params; });
  return found == info.instances.end() ? nullptr : &*found;
}

// What the subject left, without what every subject leaves; of a pass what the
// case declares as its metrics is enough.
std::string ValuesText(const Result& result) {
  const bool all = result.verdict != Verdict::kPass || result.metrics.empty();
  std::string text;
  for (const auto& [name, value] : all ? result.values : result.metrics) {
    if (name.starts_with("last_") || name == "peak_rss" ||
        name == "oom_reports" || name == "settle_ms") {
      continue;
    }
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name,
                        NumberText(value));
  }
  return text;
}

bool Skipped(const Run& run) {
  return !run.results.empty() && run.results.front().verdict == Verdict::kSkip;
}

}  // namespace

std::string EvidenceOf(const Result& result) {
  std::string text = fmt::format(
      "{} on {}", ToText(InstanceName{result.id, result.params}), result.shape);
  if (!result.end.empty()) text += ": " + result.end;
  if (FindingsSayWhy(result)) {
    text += "; " + WhyNoPass(result, result.checks.size());
  } else {
    const std::string values = ValuesText(result);
    if (!values.empty()) text += ", " + values;
    if (!result.reason.empty()) text += ": " + result.reason;
  }
  for (const LeftOut& out : result.left_out) {
    text += "; left out: " + ToText(out);
  }
  return text;
}

Prober::Prober(ProbeOptions options)
    : options_(std::move(options)),
      catalogue_(LoadCatalogue(FindPrograms().cases)),
      no_boxes_(NoBoxes()) {}

Checked Prober::Check(const HostProfile& profile,
                      const Expectation& expectation, const ProbeCheck& probe) {
  const std::string name = ToText(probe.instance);
  const auto info =
      std::ranges::find(catalogue_, probe.instance.id, &CaseInfo::id);
  const InstanceInfo* const instance =
      info == catalogue_.end() ? nullptr
                               : InstanceOf(*info, probe.instance.params);
  if (instance == nullptr) {
    throw UserError(fmt::format(
        "profile {}: {}: there is no instance {}; oomgate list shows them",
        profile.name, expectation.name, name));
  }
  const auto skip = [&](const std::string& why) {
    return Skipping(profile, expectation, why);
  };
  RunOptions run;
  run.patterns = {name};
  run.suite = Suite::kNightly;
  run.results = options_.results.string();
  run.command = "oomgate validate";
  run.jobs = 1;
  const auto here = [&]() -> std::string {
    if (probe.kills) return "ends in an OOM kill, which the host would count";
    if (info->blast == Blast::kMachine) return "fills a whole machine";
    if (info->blast == Blast::kCgroup && !no_boxes_.empty()) return no_boxes_;
    const Machine machine = ReadMachine();
    if (instance->needs.memory * 4 > machine.available) {
      return fmt::format("needs {}, more than a quarter of the {} available",
                         ToText(instance->needs.memory),
                         ToText(machine.available));
    }
    const double left =
        Seconds(options_.until - std::chrono::steady_clock::now()).count();
    if (left < 2) return "no time is left";
    run.on = info->blast == Blast::kCgroup ? "cgroup" : "host";
    run.timeout = std::min(kSecondsEach, static_cast<int>(left) - 1);
    return "";
  };
  const auto in_twin = [&] {
    const Twin& twin = *options_.twin;
    run.on = "vm";
    run.guest_wanted = true;
    run.kernel = twin.kernel;
    run.append = twin.append;
    run.memory = twin.memory;
    run.swap = twin.swap;
    run.accel = twin.accel;
    run.timeout = kSecondsInTwin;
    if (twin.nodes > 1) run.nodes = twin.nodes;
    if (const int version = ReadMachine().cgroup) run.cgroup = version;
  };
  // What does not run here runs in the twin, where there is one.
  const auto done = [&]() -> Result {
    const std::string why_not = here();
    if (!why_not.empty() && !options_.twin) {
      Result result;
      result.verdict = Verdict::kSkip;
      result.reason = why_not + (probe.kills ? "; add --twin" : "");
      return result;
    }
    Silent silent;
    const auto run_here_or_there = [&](bool twin) {
      if (twin) in_twin();
      Run done = RunCases(run, silent).run;
      // Kernels from 6.13 on may have no v1 any more.
      if (twin && run.cgroup == 1 && Skipped(done)) {
        run.cgroup = 2;
        done = RunCases(run, silent).run;
      }
      return done;
    };
    Run run_done = run_here_or_there(!why_not.empty());
    if (Skipped(run_done) && why_not.empty() && options_.twin) {
      run_done = run_here_or_there(true);
    }
    if (run_done.interrupted) throw HarnessError("interrupted");
    if (run_done.results.empty()) throw HarnessError("no result of " + name);
    return run_done.results.front();
  };
  try {
    const Result result = done();
    switch (result.verdict) {
      case Verdict::kPass:
      case Verdict::kKnown:
        return Holding(profile, expectation, true, EvidenceOf(result));
      case Verdict::kFail:
      case Verdict::kLost:
        // Too slow to say.
        if (result.end == "deadline") {
          return skip(fmt::format("{} did not end within {} s", name,
                                  run.timeout.value_or(0)));
        }
        return Holding(profile, expectation, false, EvidenceOf(result));
      case Verdict::kSkip:
        return skip(result.reason);
      case Verdict::kBroken:
        return skip("could not be probed: " + result.reason);
    }
  } catch (const UserError& error) {  // no such place here
    return skip(error.what());
  }
  return skip("");
}

}  // namespace oomgate
