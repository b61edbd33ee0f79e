// SPDX-License-Identifier: Apache-2.0
// oomgate validate: whether this host behaves as workloads need it. Reads
// knobs, probes in boxes, never writes a setting.
#include <fmt/core.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <variant>

#include "runner/cgroup/delegation.h"
#include "runner/cli.h"
#include "runner/error.h"
#include "runner/kernel/store.h"
#include "runner/record/run_folder.h"
#include "runner/this_machine.h"
#include "runner/validate/guardian.h"
#include "runner/validate/probe.h"
#include "runner/validate/validation.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kTime(55);
constexpr Bytes kTwinMemory = 512_MiB;

struct Options {
  std::vector<std::string> profiles = {"generic"};
  std::string format = "human";
  std::string fail_on = "fail";
  std::string accel = "auto";
  bool twin = false;
};

// Removed on every way out; after a SIGKILL by the guardian.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name =
        (fs::temp_directory_path() / "oomgate-validate-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw HarnessError("cannot make " + name + ": set TMPDIR");
    }
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Whoever works here goes first; children inherit it.
void YieldToOthers() {
  ::setpriority(PRIO_PROCESS, 0, 19);
  const sched_param none = {};
  ::sched_setscheduler(0, SCHED_BATCH, &none);
}

// Without root boxes go where this user may make them: beside a leaf for this
// process, in a scope of the user's systemd, or in a group further up.
class PlaceForBoxes {
 public:
  PlaceForBoxes() {
    const auto root = FindMemoryController();
    if (!root || root->version == 1 || MayMakeGroups(root->mount)) return;
    if (!EnterLeaf()) RunAgainInScope();
  }
  ~PlaceForBoxes() { LeaveLeaf(); }
  PlaceForBoxes(const PlaceForBoxes&) = delete;
  PlaceForBoxes& operator=(const PlaceForBoxes&) = delete;
};

Twin TwinHere(const std::string& accel) {
  std::vector<std::string> releases;
  for (const Kernel& kernel : KernelStore().List()) {
    releases.push_back(kernel.release);
  }
  Twin twin = TwinOf(releases, kTwinMemory);
  twin.accel = accel;
  return twin;
}

Validation Validate(const std::vector<HostProfile>& profiles,
                    const Options& options) {
  const PlaceForBoxes place;
  const auto begun = std::chrono::steady_clock::now();
  Validation validation;
  validation.host = FirstLine("/proc/sys/kernel/hostname");
  validation.oomgate = OOMGATE_VERSION;
  validation.started = UtcNow();
  validation.kernel = FirstLine("/proc/sys/kernel/osrelease");
  validation.root = ::geteuid() == 0;
  validation.machine = ReadMachine();
  YieldToOthers();
  const ScratchFolder scratch;
  const Guardian guardian(scratch.path());
  ProbeOptions probe_options{scratch.path(), begun + kTime, {}};
  if (options.twin) {
    probe_options.twin = TwinHere(options.accel);
    validation.twin = probe_options.twin->scaled;
  }
  Prober prober(std::move(probe_options));
  for (const HostProfile& profile : profiles) {
    validation.profiles.push_back(profile.name);
    for (const Expectation& expectation : profile.checks) {
      const auto check = [&](const auto& what) {
        using What = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<What, KnobCheck>) {
          return CheckKnob(profile, expectation, what);
        } else if constexpr (std::is_same_v<What, ProcessCheck>) {
          return CheckProcesses(profile, expectation, what);
        } else {
          return prober.Check(profile, expectation, what);
        }
      };
      validation.checks.push_back(std::visit(check, expectation.check));
    }
  }
  validation.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun)
          .count();
  return validation;
}

int ValidateVerb(const Options& options) {
  std::vector<HostProfile> profiles;
  for (const std::string& name : options.profiles) {
    profiles.push_back(FindProfile(name));
  }
  const Validation done = Validate(profiles, options);
  const std::string text =
      options.format == "json"
          ? ToJson(done).dump(2, ' ', false, Json::error_handler_t::replace) +
                "\n"
      : options.format == "junit"    ? ValidationJunit(done)
      : options.format == "markdown" ? ValidationMarkdown(done)
                                     : ValidationText(done);
  std::fputs(text.c_str(), stdout);
  const int failed = CountOf(done, Checked::State::kFail);
  const int warned = CountOf(done, Checked::State::kWarning);
  if (failed > 0 || (options.fail_on == "warning" && warned > 0)) {
    return kExitFailure;
  }
  const auto skipped = CountOf(done, Checked::State::kSkipped);
  return skipped == static_cast<int>(done.checks.size()) ? kExitNothingRan
                                                         : kExitOk;
}

}  // namespace

void AddValidateVerb(CLI::App& app, int& exit_code) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "validate",
      "does this host behave as a workload needs it, and if not, "
      "what to do; changes nothing");
  verb->add_option("--profile", o->profiles,
                   "redis, postgresql, kubernetes-node, elasticsearch, jvm, "
                   "mongodb, generic, or a file; may be given several times")
      ->expected(1)
      ->take_all()
      ->option_text("NAME|FILE");
  verb->add_option("--format", o->format, "human, json, junit or markdown")
      ->check(CLI::IsMember({"human", "json", "junit", "markdown"}))
      ->capture_default_str();
  verb->add_option("--fail-on", o->fail_on, "exit 1 from: warning or fail")
      ->check(CLI::IsMember({"warning", "fail"}))
      ->capture_default_str();
  verb->add_flag("--twin", o->twin,
                 "probe what could hurt in a guest that copies this host");
  verb->add_option("--accel", o->accel, "of the twin: auto, kvm or tcg")
      ->check(CLI::IsMember({"auto", "kvm", "tcg"}));
  verb->callback([o, &exit_code] { exit_code = ValidateVerb(*o); });
}

}  // namespace oomgate
