// SPDX-License-Identifier: Apache-2.0
// oomgate run: from options to verdicts.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/cancel.h"
#include "runner/catalogue.h"
#include "runner/cgroup/cgroup_backend.h"
#include "runner/cli.h"
#include "runner/error.h"
#include "runner/exit_code.h"
#include "runner/host/host_backend.h"
#include "runner/kernel/file.h"
#include "runner/kernel/store.h"
#include "runner/places.h"
#include "runner/plan.h"
#include "runner/programs.h"
#include "runner/record/recorder.h"
#include "runner/record/run_folder.h"
#include "runner/report/human.h"
#include "runner/report/json_report.h"
#include "runner/run.h"
#include "runner/selection.h"
#include "runner/this_machine.h"
#include "runner/vm/vm_backend.h"

namespace oomgate {
namespace {

struct RunOptions {
  std::vector<std::string> patterns;
  Suite suite = Suite::kDefault;
  std::string on = "auto";
  std::string kernel;
  std::string memory;
  std::string swap;
  std::string swap_device;
  std::string append;
  std::string accel = "auto";
  Clock clock = Clock::kWall;
  std::optional<std::string> profile;  // where the functions are named
  std::optional<int> cpus;
  std::optional<int> nodes;
  std::optional<int> cgroup;
  std::optional<int> jobs;
  std::optional<int> timeout;
  std::string format = "human";
  std::string results = "results/runs";
  bool keep = false;
  bool cold = false;
  bool require = false;
  bool invert = false;

  // From the parser: what a command that repeats an instance needs.
  std::vector<std::string> to_repeat = {};
  bool guest_wanted = false;
};

std::optional<Bytes> Size(const char* option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto size = ParseBytes(text);
  if (!size) {
    throw UserError(std::string(option) + "=" + text +
                    ": not a size; write 256m or 1g");
  }
  return size;
}

PlanOptions PlanOptionsOf(const RunOptions& options, const Places& places) {
  PlanOptions plan;
  plan.places = places.usable;
  plan.unusable = places.unusable;
  plan.machine = ReadMachine();
  plan.memory = Size("--memory", options.memory);
  if (plan.memory && *plan.memory < kSmallestGuest) {
    throw UserError("--memory=" + options.memory +
                    ": no supported kernel boots with less than " +
                    ToText(kSmallestGuest));
  }
  if (plan.memory && *plan.memory + kBesideGuest > plan.machine.available) {
    throw UserError("--memory=" + options.memory + ": only " +
                    ToText(plan.machine.available) +
                    " are available on this machine, and QEMU needs " +
                    ToText(kBesideGuest) + " beside it");
  }
  plan.swap = Size("--swap", options.swap);
  plan.cpus = options.cpus;
  plan.nodes = options.nodes;
  plan.cgroup = options.cgroup;
  plan.clock = options.clock;
  plan.timeout_seconds = options.timeout;
  plan.invert = options.invert;
  return plan;
}

std::unique_ptr<Report> MakeReport(const RunOptions& options) {
  HumanStyle style;
  style.progress = ::isatty(STDERR_FILENO) == 1;
  style.options = options.to_repeat;
  if (options.format == "json") {
    style.colours = WantsColours(stderr);
    return std::make_unique<JsonReport>(stdout, stderr, style);
  }
  style.colours = WantsColours(stdout);
  return std::make_unique<HumanReport>(stdout, stderr, style);
}

Run RunOf(const std::vector<CaseInfo>& cases, const std::string& command) {
  Run run;
  run.oomgate = OOMGATE_VERSION;
  run.command = command;
  for (const CaseInfo& info : cases) run.metrics[info.id] = info.metrics;
  return run;
}

// The kernel for guests; a missing one counts like a missing QEMU.
struct Guests {
  const std::string& wanted;
  VmOptions options;
  std::optional<Kernel> kernel = {};

  std::string Missing() {
    const std::string why = VmBackend(options).Missing();
    if (!why.empty()) return why;
    try {
      if (!kernel) kernel = KernelStore().Resolve(wanted);
      return "";
    } catch (const UserError& error) {
      return error.what();
    }
  }
};

VmOptions VmOptionsOf(const RunOptions& options) {
  VmOptions guest;
  guest.accelerator = ParseAccelerator(options.accel);
  guest.command_line = options.append;
  const bool counts = options.clock == Clock::kInstructions;
  if (counts) guest.accelerator = AcceleratorChoice::kTcg;
  // A disk answers when the host has time: at another instruction each time.
  const std::string swap = !options.swap_device.empty() ? options.swap_device
                           : counts                     ? "zram"
                                                        : "virtio";
  guest.swap = swap == "zram" ? SwapKind::kZram : SwapKind::kVirtio;
  guest.keep = options.keep;
  guest.cold = options.cold;
  return guest;
}

// Stands for what a guest's own kernel says: the host's file is of no use.
constexpr const char* kGuestsOwn = "/proc/kallsyms";

void AddProfile(const RunOptions& options, const Programs& programs,
                VmOptions& guest) {
  if (!options.profile) return;
  guest.profile = true;
  guest.profiler = programs.profiler;
  if (*options.profile == kGuestsOwn) return;
  guest.symbols.AddFile(LoadBytes(*options.profile), *options.profile);
}

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

int RunVerb(const RunOptions& options, const std::string& command) {
  const Programs programs = FindPrograms();
  const std::vector<CaseInfo> cases =
      Select(LoadCatalogue(programs.cases), options.patterns, options.suite);
  RemoveLeftovers();
  HostBackend host(programs.cases);
  CgroupBackend cgroup(programs.cases);
  Guests guests{options.kernel, VmOptionsOf(options)};
  AddProfile(options, programs, guests.options);
  // Sizes are read before a kernel may be fetched.
  PlanOptionsOf(options, {});
  const Places places =
      FindPlaces(options.on, options.guest_wanted, [&](Place place) {
        return place == Place::kHost     ? host.Missing()
               : place == Place::kCgroup ? cgroup.Missing()
                                         : guests.Missing();
      });
  const PlanOptions plan_options = PlanOptionsOf(options, places);
  const Plan plan = MakePlan(cases, plan_options);

  RemoveLeftoverScratch(options.results);
  // From here on there is something to leave in order.
  const Cancel cancel;
  RunFolder folder(options.results);
  std::unique_ptr<VmBackend> vm;
  if (guests.kernel) {
    VmOptions guest = guests.options;
    guest.kernel = *guests.kernel;
    guest.init = programs.init;
    guest.cases = programs.cases;
    guest.scratch = folder.Scratch(options.keep);
    guest.console = folder.path();
    vm = std::make_unique<VmBackend>(std::move(guest));
  }

  const std::unique_ptr<Report> report = MakeReport(options);
  Recorder recorder(
      RunOf(cases, command), plan, folder, *report,
      [&] { return cancel.requested(); },
      // Blocked, and read by `cancel`: everything ends as it does on Ctrl-C.
      [] { ::kill(::getpid(), SIGTERM); });
  for (const auto& [place, why] : places.unusable) {
    recorder.Notice("not on " + std::string(ToText(place)) + ": " + why);
  }
  const int wanted =
      options.jobs.value_or(std::min(2, plan_options.machine.cpus));
  const int jobs = JobsThatFit(plan, wanted, plan_options.machine.available);
  if (options.jobs && jobs < std::min<int>(wanted, plan.groups.size())) {
    recorder.Notice("only " + std::to_string(jobs) +
                    " guests at a time: more may not fit into " +
                    ToText(plan_options.machine.available) +
                    " of available memory");
  }
  std::exception_ptr user_error;
  try {
    RunPlan(
        plan,
        [&](Place place) -> Backend& {
          if (place == Place::kHost) return host;
          if (place == Place::kCgroup) return cgroup;
          return *vm;
        },
        jobs, recorder, cancel);
  } catch (const UserError&) {
    user_error = std::current_exception();
  }
  const Run run = recorder.Finish();
  if (user_error) std::rethrow_exception(user_error);
  return ExitCodeOf(run, options.require);
}

}  // namespace

void AddRunVerb(CLI::App& app, int& exit_code, const std::string& command) {
  const auto o = std::make_shared<RunOptions>();
  CLI::App* verb = app.add_subcommand("run", "run cases");
  verb->add_option("patterns", o->patterns,
                   "ids, globs or instance names; default: all but meta/*");
  AddSuiteOption(*verb, o->suite);
  verb->add_option("--on", o->on,
                   "host, cgroup, vm with commas between, or auto")
      ->capture_default_str();
  // These mean a guest where --on does not say otherwise.
  std::vector<CLI::Option*> shape;
  std::vector<CLI::Option*> repeat;
  shape.push_back(verb->add_option(
      "--kernel", o->kernel,
      "release or its beginning (6.1), debian:SERIES, or a file or folder"));
  shape.push_back(verb->add_option("--memory", o->memory, "RAM of guests"));
  shape.push_back(verb->add_option("--swap", o->swap, "swap of guests"));
  shape.push_back(verb->add_option("--swap-device", o->swap_device,
                                   "what guests swap to: virtio, or zram, the "
                                   "default under the instruction clock")
                      ->check(CLI::IsMember({"virtio", "zram"})));
  shape.push_back(verb->add_option("--cpus", o->cpus, "CPUs of guests")
                      ->check(CLI::Range(1, 64)));
  shape.push_back(verb->add_option("--nodes", o->nodes, "their NUMA nodes")
                      ->check(CLI::Range(1, 4)));
  shape.push_back(
      verb->add_option("--cgroup", o->cgroup,
                       "version of the memory controller in guests: 1 or 2")
          ->check(CLI::Range(1, 2)));
  shape.push_back(verb->add_option("--append", o->append,
                                   "more for the guests' kernel command line"));
  shape.push_back(verb->add_option("--accel", o->accel, "auto, kvm or tcg")
                      ->check(CLI::IsMember({"auto", "kvm", "tcg"})));
  shape.push_back(verb->add_flag(
      "--cold", o->cold, "boot every guest instead of restoring a saved one"));
  CLI::Option* const clock =
      verb->add_option("--clock", o->clock,
                       "of guests: wall, or instructions: slower, on one CPU, "
                       "but what costs is counted without noise")
          ->transform(CLI::CheckedTransformer(std::map<std::string, Clock>{
              {"wall", Clock::kWall}, {"instructions", Clock::kInstructions}}))
          ->option_text("CLOCK");
  verb->add_flag("--profile-functions{/proc/kallsyms}", o->profile,
                 "count instructions per kernel function; of a kernel without "
                 "/proc/kallsyms =FILE, its vmlinux or System.map, names them");
  verb->add_option("--jobs", o->jobs, "guests at the same time")
      ->check(CLI::Range(1, 1024));
  repeat = shape;
  repeat.push_back(clock);
  repeat.push_back(verb->add_option("--timeout", o->timeout,
                                    "seconds per instance; default: the case's")
                       ->check(CLI::Range(1, 86400)));
  repeat.push_back(
      verb->add_flag("--invert", o->invert,
                     "expect each oracle's negation: proves that it can fail"));
  verb->add_flag("--require", o->require, "a skip is a failure (exit 1)");
  verb->add_flag("--keep", o->keep, "keep what guests were started from");
  verb->add_option("--results", o->results, "folder for the run's folder")
      ->capture_default_str();
  AddFormatOption(*verb, o->format);
  verb->callback([o, shape, repeat, command, &exit_code] {
    o->guest_wanted = std::ranges::any_of(
        shape, [](const CLI::Option* option) { return option->count() > 0; });
    CheckClock(*o);
    for (const CLI::Option* option : repeat) {
      if (option->count() == 0) continue;
      o->to_repeat.push_back(option->get_name() +
                             (option->get_items_expected_max() == 0
                                  ? ""
                                  : "=" + option->results().back()));
    }
    exit_code = RunVerb(*o, command);
  });
}

}  // namespace oomgate
