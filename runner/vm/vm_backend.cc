// SPDX-License-Identifier: Apache-2.0
// Guests as a place. A guest that ends early costs the instance that ran in
// it; the others get a new guest, unless two in a row came to nothing.
#include "runner/vm/vm_backend.h"

#include <fmt/format.h>

#include <utility>

#include "runner/error.h"
#include "runner/kernel/file.h"
#include "runner/kernel/store.h"
#include "runner/launch/judge.h"
#include "runner/launch/mailbox.h"
#include "runner/launch/orders.h"
#include "runner/profile/function_counts.h"
#include "runner/record/collector.h"
#include "runner/vm/initramfs.h"
#include "runner/vm/progress.h"
#include "runner/vm/scratch_folder.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr seconds kTcgBoot{60};
constexpr seconds kKvmBoot{15};
constexpr seconds kCanaryBoot{10};
constexpr int kFutileBoots = 2;

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

// Says what became of the instance that ran when the guest ended.
void JudgeRunning(const GuestEnd& end, const Console& console,
                  Collector& collector) {
  // Neither says anything of the kernel: QEMU's own death, a result that was
  // lost on its way.
  if (const auto running = collector.running();
      running && (end.fate == Fate::kQemuKilled || end.missing > 0)) {
    Order order;
    order.name = *running;
    collector.Broken(order,
                     end.reason.empty() ? "its result is missing" : end.reason,
                     console.Excerpt());
  }
  if (end.fate == Fate::kPanicked) {
    collector.Panicked(console.Panic(), end.reason, console.Excerpt());
  } else {
    collector.Lost(end.reason, console.Excerpt());
  }
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
  if (options_.profile) return MissingProfiler(qemu_, options_.profiler);
  return "";
}

const VmBackend::Programs& VmBackend::ProgramsFor(const Shape& shape) {
  std::set<SwapKind> drivers;
  if (shape.swap.count > 0) drivers.insert(options_.swap);
  if (shape.disk.count > 0) drivers.insert(SwapKind::kVirtio);
  const std::lock_guard lock(programs_mutex_);
  const auto known = programs_.find(drivers);
  if (known != programs_.end()) return known->second;
  std::vector<InitramfsFile> files = {
      {"init", 0755, ReadWholeFile(options_.init)},
      {"bin/oomgate-cases", 0755, ReadWholeFile(options_.cases)}};
  std::vector<std::string> paths;
  for (const SwapKind driver : drivers) {
    for (Module& module : LoadSwapModules(options_.kernel, driver)) {
      const std::string path = "modules/" + module.name + ".ko";
      files.push_back({path, 0644, std::move(module.bytes)});
      paths.push_back("/" + path);
    }
  }
  return programs_[drivers] = {PackInitramfs(files), std::move(paths)};
}

GuestOrders VmBackend::ShapeOrders(const Shape& shape) {
  GuestOrders orders;
  orders.cgroup = shape.cgroup;
  orders.modules = ProgramsFor(shape).modules;
  return orders;
}

GuestOrders VmBackend::OrdersOf(const OrderGroup& group) {
  GuestOrders orders = ShapeOrders(group.shape);
  std::string next_disk = "vda";
  if (group.shape.swap.count > 0) {
    const bool zram = options_.swap == SwapKind::kZram;
    orders.swap = zram ? "zram0" : std::exchange(next_disk, "vdb");
    if (zram) orders.swap_size = group.shape.swap;
  }
  if (group.shape.disk.count > 0) orders.disk = next_disk;
  orders.settings = group.settings;
  orders.shown = group.shown;
  for (const Order& order : group.orders) {
    orders.instances.push_back(JudgeOrderOf(order));
  }
  return orders;
}

fs::path VmBackend::NewScratch() {
  return options_.scratch / fmt::format("guest-{}", ++guests_);
}

GuestMachine VmBackend::MachineOf(const Shape& shape, Accelerator accelerator,
                                  const fs::path& scratch) {
  GuestMachine machine;
  machine.kernel = options_.kernel;
  machine.shape = shape;
  machine.accelerator = accelerator;
  machine.command_line = options_.command_line;
  machine.sandbox = qemu_.sandbox;
  if (shape.swap.count > 0 && options_.swap == SwapKind::kVirtio) {
    machine.swap = scratch / "swap.raw";
    MakeDisk(machine.swap, shape.swap);
  }
  if (shape.disk.count > 0) {
    machine.disk = scratch / "disk.raw";
    MakeDisk(machine.disk, shape.disk);
  }
  return machine;
}

void VmBackend::AddInitramfs(GuestMachine& machine, const GuestOrders& orders,
                             const fs::path& scratch) {
  machine.initramfs = scratch / "initramfs.cpio";
  WriteWholeFile(machine.initramfs, ProgramsFor(machine.shape).packed,
                 PackSegment({{"orders", 0644, Encode(orders)}}));
}

void VmBackend::AddWaiting(GuestMachine& machine, const fs::path& scratch) {
  GuestOrders orders = ShapeOrders(machine.shape);
  orders.wait = true;
  AddInitramfs(machine, orders, scratch);
}

oomgate::Start VmBackend::Identity(Accelerator accelerator) const {
  oomgate::Start identity;
  identity.accelerator = ToText(accelerator);
  identity.qemu = qemu_.version;
  identity.kernel_digest = options_.kernel.digest;
  std::string config;
  for (const auto& [option, value] : options_.kernel.config) {
    config += option + '=' + value + '\n';
  }
  if (!config.empty()) identity.config_digest = Digest(config);
  return identity;
}

GuestEnd VmBackend::RunOne(const OrderGroup& group, const Start& start,
                           Progress& progress, Console& console,
                           const std::function<void(std::string_view)>& on_line,
                           const Cancel& cancel) {
  const ScratchFolder scratch(NewScratch(), options_.keep);
  GuestMachine machine =
      MachineOf(group.shape, start.accelerator, scratch.path());
  machine.verbose = start.verbose;
  if (start.profile) {
    machine.profiler = options_.profiler;
    machine.counts = scratch / "counts";
  }
  GuestOrders orders = OrdersOf(group);
  orders.symbols = start.symbols;
  const bool restore = !start.saved.empty();
  // What is to count the same instructions as a saved guest boots as one does.
  const bool as_saved =
      options_.cold && group.shape.clock == Clock::kInstructions;
  if (restore || as_saved) {
    machine.mailbox = scratch / "mailbox";
    WriteWholeFile(machine.mailbox, Mailbox(Encode(orders)), "");
  }
  if (restore) {
    machine.restore = true;
    machine.ram = start.saved;
  } else if (as_saved) {
    AddWaiting(machine, scratch.path());
  } else {
    AddInitramfs(machine, orders, scratch.path());
  }
  GuestEnd end = RunGuest(qemu_, machine, progress, console, on_line, cancel,
                          options_.limits);
  if (start.profile && fs::exists(machine.counts)) {
    end.counts = LoadBytes(machine.counts);
  }
  return end;
}

void VmBackend::Save(const Shape& shape, Accelerator accelerator,
                     const fs::path& folder, const Cancel& cancel) {
  const ScratchFolder scratch(NewScratch(), options_.keep);
  GuestMachine machine = MachineOf(shape, accelerator, scratch.path());
  AddWaiting(machine, scratch.path());
  machine.ram = folder;
  machine.mailbox = scratch / "mailbox";
  WriteWholeFile(machine.mailbox, std::string(kMailboxSize, '\0'), "");
  Console console;
  const std::string error = SaveGuest(
      qemu_, machine, folder / kStateFile,
      accelerator == Accelerator::kKvm ? kKvmBoot : kTcgBoot, console, cancel);
  if (!error.empty()) throw HarnessError(error);
}

// Everything that a saved guest depends on.
std::string VmBackend::TemplateKey(const Shape& shape,
                                   Accelerator accelerator) {
  const Kernel& kernel = options_.kernel;
  GuestMachine machine;
  machine.kernel = kernel;
  machine.command_line = options_.command_line;
  return fmt::format(
      "saved by oomgate {} format 1\nqemu {} {}\n{} {}\nkernel {} {}\n"
      "command line {}\nshape {} swap {}\nprograms {}\n",
      OOMGATE_VERSION, qemu_.program, qemu_.version, ToText(accelerator),
      accelerator == Accelerator::kKvm ? CpuModel() : "", kernel.release,
      kernel.digest, KernelCommandLine(machine), ToText(shape),
      static_cast<int>(options_.swap), Digest(ProgramsFor(shape).packed));
}

std::optional<std::string> VmBackend::Canary(const Shape& shape,
                                             const Cancel& cancel) {
  OrderGroup group;
  group.shape = shape;
  group.shape.swap = {};
  group.shape.disk = {};
  Progress progress({}, kCanaryBoot);
  Console console;
  const GuestEnd end = RunOne(
      group, {.accelerator = Accelerator::kKvm}, progress, console,
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

SavedGuests::Lease VmBackend::SavedFor(const Shape& shape,
                                       Accelerator accelerator, Sink& sink,
                                       const Cancel& cancel) {
  if (options_.cold) return {};
  const std::string name = ToText(shape);
  return saved_.For(
      TemplateKey(shape, accelerator),
      [&](const fs::path& folder) {
        sink.OnNotice(fmt::format("{}: booting {} ({}), to keep it", name,
                                  options_.kernel.release,
                                  ToText(accelerator)));
        Save(shape, accelerator, folder, cancel);
      },
      [&](const std::string& why) {
        if (cancel.requested()) return;
        sink.OnNotice(
            fmt::format("{}: each instance is booted: {}", name, why));
      });
}

const Symbols& VmBackend::SymbolsOf(const Shape& shape, const Start& start,
                                    const Cancel& cancel) {
  if (!options_.symbols.empty()) return options_.symbols;
  return symbols_.For(TemplateKey(shape, start.accelerator),
                      [&](const GuestSymbols::OnLine& on_line) {
                        OrderGroup group;
                        group.shape = shape;
                        Start asked = start;
                        asked.symbols = true;
                        Progress progress({}, kTcgBoot);
                        Console console;
                        return RunOne(group, asked, progress, console, on_line,
                                      cancel);
                      });
}

void VmBackend::TellProfile(const OrderGroup& group, const std::string& counts,
                            const Symbols& symbols, Sink& sink) const {
  // A plan gives each instance a guest of its own.
  if (group.orders.size() != 1) return;
  Profile profile{.instance = ToText(group.orders[0].name),
                  .shape = ToText(group.shape),
                  .kernel = options_.kernel.release,
                  .scope = {},
                  .functions = {}};
  if (CountFunctions(counts, symbols, profile)) {
    sink.OnProfile(profile);
  } else {
    sink.OnNotice(profile.instance +
                  ": no profile: QEMU was killed before it wrote one");
  }
}

void VmBackend::Run(const OrderGroup& group, Sink& sink, const Cancel& cancel) {
  const Accelerator accelerator = ChosenAccelerator(group.shape, sink, cancel);
  const std::string shape = ToText(group.shape);
  const fs::path log =
      options_.console.empty()
          ? fs::path()
          : options_.console /
                fmt::format("console-{:03}-{}.log", ++consoles_, shape);
  Console console(log);
  bool boring = !options_.keep;
  SavedGuests::Lease saved = SavedFor(group.shape, accelerator, sink, cancel);
  OrderGroup left = group;
  int futile = 0;
  while (!left.orders.empty() && !cancel.requested()) {
    Start start{.accelerator = accelerator, .verbose = futile > 0};
    // Where a saved one did not come on, the next is booted.
    if (futile == 0) start.saved = saved.folder();
    if (start.saved.empty()) {
      sink.OnNotice(fmt::format("{}: booting {} ({})", shape,
                                options_.kernel.release, ToText(accelerator)));
    }
    const Symbols* const symbols =
        options_.profile ? &SymbolsOf(group.shape, start, cancel) : nullptr;
    start.profile = options_.profile;
    Collector collector(left, sink, Identity(accelerator));
    collector.SetConsole([&console] { return console.Excerpt(); });
    Progress progress(left.orders,
                      accelerator == Accelerator::kKvm ? kKvmBoot : kTcgBoot);
    GuestEnd end;
    try {
      end = RunOne(
          left, start, progress, console,
          [&](std::string_view line) { collector.Line(line); }, cancel);
    } catch (const HarnessError& error) {
      end = {Fate::kNotBooted, error.what()};
    }
    if (end.fate == Fate::kCancelled) return;
    if (end.fate == Fate::kNotBooted && !start.saved.empty()) saved.Distrust();
    if (end.garbled + end.missing > 0) {
      sink.OnNotice(fmt::format(
          "{}: on the record channel {} lines were garbled, {} are missing",
          shape, end.garbled, end.missing));
    }
    JudgeRunning(end, console, collector);
    if (start.profile) TellProfile(left, end.counts, *symbols, sink);
    const std::size_t before = left.orders.size();
    left.orders = collector.Pending();
    boring = boring && !collector.any_bad();
    if (left.orders.empty()) break;
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
  std::error_code ignored;
  if (boring) fs::remove(log, ignored);
}

}  // namespace oomgate
