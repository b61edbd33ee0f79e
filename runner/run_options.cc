// SPDX-License-Identifier: Apache-2.0
// One list of options, so that what `run` can do, its repetitions can.
#include "runner/run_options.h"

#include <algorithm>
#include <map>

#include "runner/cli.h"
#include "runner/error.h"
#include "runner/launch/orders.h"
#include "runner/named_setting.h"

namespace oomgate {
namespace {

// The instruction clock is a guest's, and TCG's.
void CheckClock(RunOptions& options) {
  if (options.clock != Clock::kInstructions) {
    if (!options.profile) return;
    throw UserError(
        "--profile-functions: only the instruction clock counts them: add "
        "--clock=instructions");
  }
  options.guest_wanted = true;
  if (options.accel == "kvm") {
    throw UserError(
        "--clock=instructions with --accel=kvm: only TCG counts instructions");
  }
  if (options.cpus.value_or(1) > 1) {
    throw UserError(
        "--clock=instructions with --cpus: the instruction clock knows one");
  }
}

}  // namespace

AddedRunOptions AddRunOptions(CLI::App& verb, RunOptions& r) {
  AddSuiteOption(verb, r.suite);
  verb.add_option("--on", r.on, "host, cgroup, vm with commas between, or auto")
      ->capture_default_str();
  // These mean a guest where --on does not say otherwise.
  std::vector<CLI::Option*> shape;
  shape.push_back(verb.add_option(
      "--kernel", r.kernel,
      "release or its beginning (6.1), debian:SERIES, or a file or folder"));
  shape.push_back(verb.add_option("--memory", r.memory, "RAM of guests"));
  shape.push_back(verb.add_option("--swap", r.swap, "swap of guests"));
  shape.push_back(verb.add_option("--swap-device", r.swap_device,
                                  "what guests swap to: virtio, or zram, the "
                                  "default under the instruction clock")
                      ->check(CLI::IsMember({"virtio", "zram"})));
  shape.push_back(verb.add_option("--cpus", r.cpus, "CPUs of guests")
                      ->check(CLI::Range(1, 64)));
  shape.push_back(verb.add_option("--nodes", r.nodes, "their NUMA nodes")
                      ->check(CLI::Range(1, 4)));
  shape.push_back(
      verb.add_option("--cgroup", r.cgroup,
                      "version of the memory controller in guests: 1 or 2")
          ->check(CLI::Range(1, 2)));
  shape.push_back(verb.add_option("--append", r.append,
                                  "more for the guests' kernel command line"));
  shape.push_back(
      verb.add_option_function<std::vector<std::string>>(
              "--set",
              [&r](const std::vector<std::string>& texts) {
                for (const std::string& text : texts) {
                  r.settings.push_back(ParseSetting(text));
                }
              },
              "a setting of guests, vm.overcommit_memory=2 or thp=never; may "
              "be given several times")
          ->expected(1)
          ->take_all()
          ->option_text("NAME=VALUE"));
  shape.push_back(verb.add_option("--accel", r.accel, "auto, kvm or tcg")
                      ->check(CLI::IsMember({"auto", "kvm", "tcg"})));
  shape.push_back(verb.add_flag(
      "--cold", r.cold, "boot every guest instead of restoring a saved one"));
  CLI::Option* const clock =
      verb.add_option("--clock", r.clock,
                      "of guests: wall, or instructions: slower, on one CPU, "
                      "but what costs is counted without noise")
          ->transform(CLI::CheckedTransformer(std::map<std::string, Clock>{
              {"wall", Clock::kWall}, {"instructions", Clock::kInstructions}}))
          ->option_text("CLOCK");
  verb.add_flag("--profile-functions{" + std::string(kGuestsOwnSymbols) + "}",
                r.profile,
                "count instructions per kernel function; of a kernel without "
                "/proc/kallsyms =FILE, its vmlinux or System.map, names them");
  verb.add_option("--jobs", r.jobs, "guests at the same time")
      ->check(CLI::Range(1, 1024));
  std::vector<CLI::Option*> repeat = shape;
  repeat.push_back(clock);
  repeat.push_back(verb.add_option("--timeout", r.timeout,
                                   "seconds per instance; default: the case's")
                       ->check(CLI::Range(1, 86400)));
  repeat.push_back(
      verb.add_flag("--invert", r.invert,
                    "expect each oracle's negation: proves that it can fail"));
  repeat.push_back(
      verb.add_option("--without", r.without,
                      "run without the act of that step; shows which checks "
                      "hold although nothing was done")
          ->check([](const std::string& text) {
            return IsStepName(text)
                       ? std::string()
                       : "no name of a step: '" + text +
                             "'; oomgate explain CASE lists its steps";
          })
          ->option_text("STEP"));
  verb.add_flag("--keep", r.keep, "keep what guests were started from");
  verb.add_option("--results", r.results, "folder for the run's folder")
      ->capture_default_str();
  return {shape, repeat};
}

std::vector<std::string> CompleteRunOptions(const AddedRunOptions& added,
                                            RunOptions& options) {
  options.guest_wanted = std::ranges::any_of(
      added.guest,
      [](const CLI::Option* option) { return option->count() > 0; });
  CheckClock(options);
  std::vector<std::string> given;
  for (const CLI::Option* option : added.repeat) {
    if (option->count() == 0) continue;
    if (option->get_items_expected_max() == 0) {
      given.push_back(option->get_name());
      continue;
    }
    // Of most only the last counts.
    const bool all =
        option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    const std::vector<std::string>& values = option->results();
    for (std::size_t i = all ? 0 : values.size() - 1; i < values.size(); ++i) {
      given.push_back(option->get_name() + "=" + values[i]);
    }
  }
  return given;
}

}  // namespace oomgate
