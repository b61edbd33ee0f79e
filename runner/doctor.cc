// SPDX-License-Identifier: Apache-2.0
// One function per thing; each looks once and says what it saw.
#include "runner/doctor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "oomgate/model/json.h"
#include "runner/cgroup/cgroup_backend.h"
#include "runner/cgroup/delegation.h"
#include "runner/kernel/store.h"
#include "runner/launch/box.h"
#include "runner/plan.h"
#include "runner/process.h"
#include "runner/report/text.h"
#include "runner/this_machine.h"
#include "runner/vm/accelerator.h"
#include "runner/vm/qemu.h"
#include "runner/vm/template_store.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using State = DoctorCheck::State;
constexpr const char* kStateNames[] = {"OK", "WARNING", "MISSING"};

DoctorCheck Root() {
  if (::geteuid() == 0) return {"root", State::kOk, "yes", ""};
  return {"root", State::kWarning, "no",
          "sudo: only root makes memory cgroups, but where one is delegated; "
          "guests need no root"};
}

DoctorCheck MemoryCgroup() {
  const auto controller = FindBoxPlace();
  const std::string why = CgroupBackend({}).Missing();
  if (!why.empty()) return {"memory cgroup", State::kMissing, "", why};
  return {"memory cgroup", State::kOk,
          fmt::format("v{} at {}", controller->version, controller->mount), ""};
}

DoctorCheck SwapAccounting() {
  const auto controller = FindMemoryController();
  if (!controller) {
    return {"swap accounting", State::kMissing, "", "needs a memory cgroup"};
  }
  bool counted = false;
  if (controller->version == 1) {
    counted =
        fs::exists(fs::path(controller->mount) / "memory.memsw.limit_in_bytes");
  } else {
    // The root of the tree has no limits; any group below it does.
    std::error_code error;
    for (const auto& group : fs::directory_iterator(controller->mount, error)) {
      counted = counted || fs::exists(group.path() / "memory.swap.max", error);
    }
  }
  if (counted) return {"swap accounting", State::kOk, "yes", ""};
  return {"swap accounting", State::kWarning, "no",
          "boot with swapaccount=1, or run without swap: a box cannot limit "
          "what it swaps"};
}

DoctorCheck QemuFound() {
  const Qemu qemu = FindQemu();
  const std::string why = MissingQemu(qemu);
  if (!why.empty()) return {"qemu", State::kMissing, "", why};
  return {"qemu", State::kOk, qemu.program + " " + qemu.version, ""};
}

DoctorCheck Kvm() {
  const std::string why = MissingKvm();
  if (why.empty()) {
    return {"kvm", State::kOk,
            "/dev/kvm opens; only a boot proves that it works (--accel=kvm)",
            ""};
  }
  return {"kvm", State::kWarning, why, "without it guests run under TCG"};
}

DoctorCheck Kernels() {
  std::string releases;
  for (const Kernel& kernel : KernelStore().List()) {
    releases += (releases.empty() ? "" : ", ") + kernel.release;
  }
  if (!releases.empty()) return {"kernels", State::kOk, releases, ""};
  return {"kernels", State::kMissing,
          "none in " + KernelStore::DefaultRoot().string(),
          "oomgate kernel fetch debian:6.1, or oomgate kernel add FILE"};
}

DoctorCheck Apt() {
  const std::string apt = FindProgram("apt-get");
  if (!apt.empty()) return {"apt", State::kOk, apt, ""};
  return {"apt", State::kWarning, "not found",
          "kernels cannot be fetched; take your own: oomgate kernel add FILE"};
}

DoctorCheck SavedGuestsKept() {
  const TemplateStore saved;
  return {"saved guests", State::kOk,
          fmt::format("{}, {} MiB in {}", saved.Count(), saved.Size() / 1_MiB,
                      TemplateStore::DefaultRoot().string()),
          ""};
}

DoctorCheck KernelLog() {
  const int fd = ::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) {
    char record[8192];
    const ssize_t n = ::read(fd, record, sizeof record);
    const int cause = errno;
    ::close(fd);
    if (n >= 0 || cause == EAGAIN || cause == EPIPE) {
      return {"kernel log", State::kOk, "/dev/kmsg can be read", ""};
    }
    errno = cause;
  }
  return {"kernel log", State::kWarning,
          std::string("/dev/kmsg: ") + std::strerror(errno),
          "sudo: without it OOM reports are seen in guests only"};
}

DoctorCheck Memory(const Machine& machine) {
  const Bytes mib = Bytes{machine.available / 1_MiB} * (1 << 20);
  const std::string detail = ToText(mib) + " available of " +
                             ToText(Bytes{machine.memory / 1_MiB} * (1 << 20));
  if (machine.available >= kDefaultGuest + kBesideBox) {
    return {"memory", State::kOk, detail, ""};
  }
  return {"memory", State::kMissing, detail,
          "free some: the smallest default guest takes " +
              ToText(kDefaultGuest) + " and QEMU about 100m"};
}

DoctorCheck Numa(const Machine& machine) {
  return {"numa", State::kOk,
          fmt::format("{} {} here; guests have up to 4 anywhere", machine.nodes,
                      machine.nodes == 1 ? "node" : "nodes"),
          ""};
}

DoctorCheck Results(const std::string& results) {
  // The nearest folder that exists already is where it would be made.
  fs::path folder = fs::absolute(results).lexically_normal();
  while (!folder.empty() && !fs::exists(folder) &&
         folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  if (::access(folder.c_str(), W_OK | X_OK) == 0) {
    return {"results folder", State::kOk, results, ""};
  }
  return {"results folder", State::kMissing,
          folder.string() + ": " + std::strerror(errno),
          "name another one: oomgate run --results DIR"};
}

DoctorCheck InForce(const char* name, const char* file) {
  const std::string value = FirstLine(file);
  if (value.empty()) return {name, State::kWarning, "cannot be read", file};
  return {name, State::kOk, value, ""};
}

DoctorCheck TransparentHugePages() {
  DoctorCheck check = InForce("transparent huge pages",
                              "/sys/kernel/mm/transparent_hugepage/enabled");
  if (check.state != State::kOk) {
    check.detail = "not in this kernel";
    check.remedy = "cases about them skip on the host; use --on=vm";
  }
  return check;
}

}  // namespace

Diagnosis Diagnose(const std::string& results) {
  const Machine machine = ReadMachine();
  Diagnosis diagnosis;
  diagnosis.checks = {
      Root(),
      MemoryCgroup(),
      SwapAccounting(),
      QemuFound(),
      Kvm(),
      Kernels(),
      Apt(),
      SavedGuestsKept(),
      KernelLog(),
      Memory(machine),
      Numa(machine),
      Results(results),
      TransparentHugePages(),
      InForce("overcommit memory", "/proc/sys/vm/overcommit_memory"),
      InForce("overcommit ratio", "/proc/sys/vm/overcommit_ratio"),
      InForce("swappiness", "/proc/sys/vm/swappiness"),
      InForce("panic on oom", "/proc/sys/vm/panic_on_oom"),
      InForce("oom kill allocating task",
              "/proc/sys/vm/oom_kill_allocating_task")};
  const auto ok = [&](std::string_view name) {
    for (const DoctorCheck& check : diagnosis.checks) {
      if (check.name == name) return check.state != State::kMissing;
    }
    return false;
  };
  if (ok("results folder")) {
    diagnosis.places.emplace_back(ToText(Place::kHost));
    if (ok("memory cgroup")) {
      diagnosis.places.emplace_back(ToText(Place::kCgroup));
    }
    if (ok("qemu") && ok("kernels") && ok("memory")) {
      diagnosis.places.emplace_back(ToText(Place::kVm));
    }
  }
  return diagnosis;
}

std::string DoctorText(const Diagnosis& diagnosis) {
  std::string text;
  for (const DoctorCheck& check : diagnosis.checks) {
    text += fmt::format("[{}]...{}", check.name,
                        kStateNames[static_cast<int>(check.state)]);
    if (!check.detail.empty()) text += ": " + Printable(check.detail);
    text += "\n";
    if (!check.remedy.empty()) text += PrintableLines(check.remedy, "    ");
  }
  text += "\n";
  if (diagnosis.places.empty()) return text + "The suite can run nowhere.\n";
  text += "The suite can run on:";
  for (const std::string& place : diagnosis.places) text += " " + place;
  return text + "\n";
}

std::string DoctorJson(const Diagnosis& diagnosis) {
  Json checks = Json::array();
  for (const DoctorCheck& check : diagnosis.checks) {
    checks.push_back({{"name", check.name},
                      {"state", kStateNames[static_cast<int>(check.state)]},
                      {"detail", check.detail},
                      {"remedy", check.remedy}});
  }
  return Json{{"checks", std::move(checks)}, {"places", diagnosis.places}}.dump(
             2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace oomgate
