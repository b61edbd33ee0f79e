// SPDX-License-Identifier: Apache-2.0
// From options to a run: places, plan, guests, recorder.
#include "runner/run_cases.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "runner/cancel.h"
#include "runner/catalogue.h"
#include "runner/cgroup/cgroup_backend.h"
#include "runner/error.h"
#include "runner/host/host_backend.h"
#include "runner/kernel/file.h"
#include "runner/kernel/store.h"
#include "runner/places.h"
#include "runner/plan.h"
#include "runner/programs.h"
#include "runner/record/recorder.h"
#include "runner/record/run_folder.h"
#include "runner/report/read_run.h"
#include "runner/run.h"
#include "runner/selection.h"
#include "runner/shard_plan.h"
#include "runner/this_machine.h"
#include "runner/vm/vm_backend.h"

namespace oomgate {
namespace {

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
  plan.without = options.without;
  plan.settings = options.settings;
  return plan;
}

// A name that no case has would leave out nothing, and look like an answer.
void CheckStep(const std::vector<CaseInfo>& cases, const std::string& step) {
  const bool known = std::ranges::any_of(
      cases, [&](const CaseInfo& info) { return HasStep(info, step); });
  if (known || cases.empty()) return;
  throw UserError("--without=" + step +
                  ": no selected case has a step of that name; oomgate explain "
                  "CASE lists its steps");
}

Run RunOf(const std::vector<CaseInfo>& cases, const RunOptions& options) {
  Run run;
  run.oomgate = OOMGATE_VERSION;
  run.command = options.command;
  run.invert = options.invert;
  run.without = options.without;
  for (const CaseInfo& info : cases) run.metrics[info.id] = info.metrics;
  return run;
}

// The kernel for guests; a missing one counts like a missing QEMU.
struct Guests {
  const std::string& wanted;
  const std::filesystem::path& cache;
  VmOptions options;
  std::optional<Kernel> kernel = {};

  std::string Missing() {
    const std::string why = VmBackend(options).Missing();
    if (!why.empty()) return why;
    try {
      if (!kernel) {
        kernel = (cache.empty() ? KernelStore() : KernelStore(cache))
                     .Resolve(wanted);
      }
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

void AddProfile(const RunOptions& options, const Programs& programs,
                VmOptions& guest) {
  if (!options.profile) return;
  guest.profile = true;
  guest.profiler = programs.profiler;
  if (*options.profile == kGuestsOwnSymbols) return;
  guest.symbols.AddFile(LoadBytes(*options.profile), *options.profile);
}

}  // namespace

RunDone RunCases(const RunOptions& options, Report& report) {
  const Programs programs = FindPrograms();
  std::vector<CaseInfo> cases =
      Select(LoadCatalogue(programs.cases), options.patterns, options.suite);
  CheckStep(cases, options.without);
  std::optional<Shard> shard;
  std::string share;
  if (options.shard) {
    const ShardPlan all =
        PlanShards(cases, options.shard->count, ReadRuns(options.durations));
    shard = ShardOf(all, options.shard->index, options.conditions);
    cases = CasesOf(all, cases, options.shard->index);
    share = "shard " + ToText(*options.shard) + ": " +
            std::to_string(shard->positions.size()) + " of " +
            std::to_string(all.shares.size()) + " instances";
  }
  RemoveLeftovers();
  HostBackend host(programs.cases);
  CgroupBackend cgroup(programs.cases);
  Guests guests{options.kernel, options.kernels, VmOptionsOf(options)};
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

  Run run = RunOf(cases, options);
  run.shard = std::move(shard);
  Recorder recorder(
      std::move(run), plan, folder, report, [&] { return cancel.requested(); },
      // Blocked, and read by `cancel`: everything ends as it does on Ctrl-C.
      [] { ::kill(::getpid(), SIGTERM); });
  if (!share.empty()) recorder.Notice(share);
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
  RunDone done{recorder.Finish(), folder.run_json()};
  if (user_error) std::rethrow_exception(user_error);
  return done;
}

}  // namespace oomgate
