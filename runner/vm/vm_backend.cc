// SPDX-License-Identifier: Apache-2.0
// Guests as a place. A guest that ends early costs the instance that ran in
// it; the others get a new guest, unless two in a row came to nothing.
#include "runner/vm/vm_backend.h"

#include <fmt/format.h>

#include <utility>

#include "runner/error.h"
#include "runner/kernel/store.h"
#include "runner/launch/orders.h"
#include "runner/record/collector.h"
#include "runner/vm/initramfs.h"
#include "runner/vm/progress.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr seconds kTcgBoot{60};
constexpr seconds kKvmBoot{15};
constexpr seconds kCanaryBoot{10};
constexpr int kFutileBoots = 2;

// What a guest leaves on disk while it runs.
class ScratchFolder {
 public:
  ScratchFolder(const fs::path& path, bool keep) : path_(path), keep_(keep) {
    std::error_code error;
    if (!fs::create_directory(path, error)) {
      throw UserError(path.string() + ": cannot make a folder for a guest" +
                      (error ? ": " + error.message() : ""));
    }
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!keep_) fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  fs::path operator/(const char* file) const { return path_ / file; }

 private:
  const fs::path path_;
  const bool keep_;
};

// Too little memory shows in many ways, a silent reset among them: by what the
// kernel says, or by a size that no distribution's kernel boots in reliably.
std::string MemoryHint(const Console& console, const Shape& shape) {
  constexpr Bytes kDoubtful = 96_MiB;
  bool little = shape.memory < kDoubtful;
  for (const char* sign : {"deadlocked on memory", "Out of memory",
                           "unpacking failed", "Cannot allocate"}) {
    little = little || console.Contains(sign);
  }
  if (!little) return "";
  return fmt::format(
      "; {} of memory may be too little for this kernel: give it more",
      ToText(shape.memory));
}

}  // namespace

VmBackend::VmBackend(VmOptions options)
    : options_(std::move(options)), qemu_(FindQemu()) {}

std::string VmBackend::Missing() {
  if (qemu_.program.empty()) return MissingQemu(qemu_);
  if (options_.accelerator == AcceleratorChoice::kKvm) {
    const std::string kvm = MissingKvm();
    if (!kvm.empty()) return "kvm: " + kvm + ", or take --accel=tcg";
  }
  return "";
}

const VmBackend::Programs& VmBackend::ProgramsFor(bool swap) {
  const std::lock_guard lock(programs_mutex_);
  std::optional<Programs>& programs = programs_[swap ? 1 : 0];
  if (programs) return *programs;
  std::vector<InitramfsFile> files = {
      {"init", 0755, ReadWholeFile(options_.init)},
      {"bin/oomgate-cases", 0755, ReadWholeFile(options_.cases)}};
  std::vector<std::string> paths;
  if (swap) {
    for (Module& module : LoadSwapModules(options_.kernel, options_.swap)) {
      const std::string path = "modules/" + module.name + ".ko";
      files.push_back({path, 0644, std::move(module.bytes)});
      paths.push_back("/" + path);
    }
  }
  programs = Programs{PackInitramfs(files), std::move(paths)};
  return *programs;
}

std::string VmBackend::EncodedOrders(const Group& group) {
  GuestOrders orders;
  orders.cgroup = group.shape.cgroup;
  if (group.shape.swap.count > 0) {
    const bool zram = options_.swap == SwapKind::kZram;
    orders.swap = zram ? "zram0" : "vda";
    if (zram) orders.swap_size = group.shape.swap;
    orders.modules = ProgramsFor(true).modules;
  }
  orders.settings = group.settings;
  for (const Order& order : group.orders) {
    orders.instances.push_back(JudgeOrderOf(order));
  }
  return Encode(orders);
}

GuestEnd VmBackend::Boot(const Group& group, Accelerator accelerator,
                         bool verbose, Progress& progress, Console& console,
                         const std::function<void(std::string_view)>& on_line,
                         const Cancel& cancel) {
  const bool swap = group.shape.swap.count > 0;
  const ScratchFolder scratch(
      options_.scratch / fmt::format("guest-{}", ++guests_), options_.keep);
  GuestMachine machine;
  machine.kernel = options_.kernel;
  machine.shape = group.shape;
  machine.accelerator = accelerator;
  machine.command_line = options_.command_line;
  machine.verbose = verbose;
  machine.sandbox = qemu_.sandbox;
  machine.initramfs = scratch / "initramfs.cpio";
  WriteWholeFile(machine.initramfs, ProgramsFor(swap).packed,
                 PackSegment({{"orders", 0644, EncodedOrders(group)}}));
  if (swap && options_.swap == SwapKind::kVirtio) {
    machine.swap = scratch / "swap.raw";
    MakeSwapDisk(machine.swap, group.shape.swap);
  }
  return RunGuest(qemu_, machine, progress, console, on_line, cancel,
                  options_.limits);
}

std::optional<std::string> VmBackend::Canary(const Shape& shape,
                                             const Cancel& cancel) {
  Group group;
  group.shape = shape;
  group.shape.swap = {};
  Progress progress({}, kCanaryBoot);
  Console console;
  const GuestEnd end = Boot(
      group, Accelerator::kKvm, false, progress, console,
      [](std::string_view) {}, cancel);
  if (end.fate == Fate::kCancelled) return std::nullopt;
  if (end.fate == Fate::kEnded) return "";
  return fmt::format(
      "/dev/kvm exists, but a guest did not boot within {} s ({})",
      kCanaryBoot.count(), end.reason);
}

Accelerator VmBackend::ChosenAccelerator(const Shape& shape, Sink& sink,
                                         const Cancel& cancel) {
  const std::lock_guard lock(accelerator_mutex_);
  if (accelerator_) return *accelerator_;
  AcceleratorQuestion question;
  question.choice = options_.accelerator;
  // Not by kernel: each step of a bisect would ask anew.
  question.key = qemu_.version;
  question.canary = [&] { return Canary(shape, cancel); };
  question.notice = [&](const std::string& text) { sink.OnNotice(text); };
  accelerator_ = ChooseAccelerator(question);
  return *accelerator_;
}

void VmBackend::Run(const Group& group, Sink& sink, const Cancel& cancel) {
  const Accelerator accelerator = ChosenAccelerator(group.shape, sink, cancel);
  const std::string shape = ToText(group.shape);
  Console console(options_.console.empty()
                      ? fs::path()
                      : options_.console / fmt::format("console-{:02}-{}.log",
                                                       ++consoles_, shape));
  Group left = group;
  int futile = 0;
  while (!left.orders.empty() && !cancel.requested()) {
    sink.OnNotice(fmt::format("{}: booting {} ({})", shape,
                              options_.kernel.release, ToText(accelerator)));
    Collector collector(left, sink, ToText(accelerator));
    collector.SetConsole([&console] { return console.Excerpt(); });
    Progress progress(left.orders,
                      accelerator == Accelerator::kKvm ? kKvmBoot : kTcgBoot);
    GuestEnd end;
    try {
      end = Boot(
          left, accelerator, /*verbose=*/futile > 0, progress, console,
          [&](std::string_view line) { collector.Line(line); }, cancel);
    } catch (const HarnessError& error) {
      end = {Fate::kNotBooted, error.what()};
    }
    if (end.fate == Fate::kCancelled) return;
    if (end.garbled + end.missing > 0) {
      sink.OnNotice(fmt::format(
          "{}: on the record channel {} lines were garbled, {} are missing",
          shape, end.garbled, end.missing));
    }
    // Neither says anything of the kernel: QEMU's own death, a result that was
    // lost on its way.
    if (const auto running = collector.running();
        running && (end.fate == Fate::kQemuKilled || end.missing > 0)) {
      Order order;
      order.name = *running;
      collector.Broken(
          order, end.reason.empty() ? "its result is missing" : end.reason,
          console.Excerpt());
    }
    collector.Lost(end.reason, console.Excerpt());
    const std::size_t before = left.orders.size();
    left.orders = collector.Pending();
    if (left.orders.empty()) return;
    futile = left.orders.size() < before ? 0 : futile + 1;
    if (end.reason.empty()) end.reason = "no result arrived";
    sink.OnNotice(fmt::format("{}: {}", shape, end.reason));
    if (futile == kFutileBoots) {
      if (!progress.started()) end.reason += MemoryHint(console, group.shape);
      for (const Order& order : left.orders) {
        collector.Broken(order, end.reason, console.Excerpt());
      }
      return;
    }
  }
}

}  // namespace oomgate
