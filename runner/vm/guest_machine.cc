// SPDX-License-Identifier: Apache-2.0
// A guest's hardware and kernel command line. Each odd option has its reason
// beside it; all were booted on 5.10, 6.1, 6.12 and 7.3.
#include "runner/vm/guest_machine.h"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "runner/error.h"
#include "runner/launch/mailbox.h"

namespace oomgate {
namespace {

// x86 kernels silently drop what is beyond (COMMAND_LINE_SIZE), and panic with
// more words for PID 1 than MAX_INIT_ARGS; any unknown word counts as one.
constexpr std::size_t kLongestCommandLine = 2047;
constexpr std::ptrdiff_t kMostWords = 32;

class Arguments {
 public:
  void Add(const std::string& option, const std::string& value = "") {
    list_.push_back(option);
    if (!value.empty()) list_.push_back(value);
  }
  std::vector<std::string> Take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

// A comma in a value would end it.
std::string Escaped(const std::filesystem::path& path) {
  std::string out;
  for (const char c : path.string()) out += c == ',' ? ",," : std::string(1, c);
  return out;
}

bool CountsInstructions(const GuestMachine& machine) {
  return machine.shape.clock == Clock::kInstructions;
}

// 2^kShift nanoseconds of guest time for each instruction: with 0 and with 6
// QEMU is slower.
constexpr int kShift = 1;

void AddClock(Arguments& out) {
  // Idle time passes at once.
  out.Add("-icount", "shift=" + std::to_string(kShift) + ",sleep=off");
  out.Add("-seed", "1");
  out.Add("-rtc", "base=2026-01-01T00:00:00,clock=vm");
}

void AddProcessors(Arguments& out, const GuestMachine& machine) {
  out.Add("-accel", ToText(machine.accelerator));
  // 5.10 panics under TCG with 5-level page tables. What gives random numbers
  // differs from run to run.
  std::string cpu =
      machine.accelerator == Accelerator::kKvm ? "host" : "max,la57=off";
  if (CountsInstructions(machine)) cpu += ",rdrand=off,rdseed=off";
  out.Add("-cpu", cpu);
  // One socket each: else NUMA nodes split a socket, which taints the kernel.
  const std::string cpus = std::to_string(machine.shape.cpus);
  out.Add("-smp", cpus + ",sockets=" + cpus);
}

// One part of guest RAM.
void AddRam(Arguments& out, const GuestMachine& machine, const std::string& n,
            Bytes size) {
  const std::string common =
      ",id=m" + n + ",size=" + std::to_string(size.count);
  if (machine.ram.empty()) {
    out.Add("-object", "memory-backend-ram" + common);
    return;
  }
  // Shared where it is to stay, private where it is only read from.
  out.Add("-object", "memory-backend-file" + common +
                         ",share=" + (machine.restore ? "off" : "on") +
                         ",mem-path=" + Escaped(machine.ram / ("ram" + n)));
}

// Memory in equal parts, whole MiB each; CPUs one after the other.
void AddMemory(Arguments& out, const GuestMachine& machine) {
  const Shape& shape = machine.shape;
  out.Add("-m", std::to_string(shape.memory / 1_KiB) + "K");
  if (shape.nodes < 2) {
    AddRam(out, machine, "0", shape.memory);
    return;
  }
  const Bytes part = (shape.memory / shape.nodes / 1_MiB) * 1_MiB;
  Bytes left = shape.memory;
  for (int node = 0; node < shape.nodes; ++node) {
    const std::string n = std::to_string(node);
    const Bytes size = node + 1 == shape.nodes ? left : part;
    left = left - size;
    AddRam(out, machine, n, size);
    out.Add("-numa", "node,nodeid=" + n + ",memdev=m" + n);
  }
  for (int cpu = 0; cpu < shape.cpus; ++cpu) {
    out.Add("-numa", "cpu,node-id=" + std::to_string(cpu % shape.nodes) +
                         ",socket-id=" + std::to_string(cpu));
  }
}

void AddChannels(Arguments& out, const MachineChannels& channels) {
  const auto socket = [&](const std::string& id, int fd) {
    out.Add("-chardev", "socket,id=" + id + ",fd=" + std::to_string(fd));
  };
  socket("records", channels.records);
  socket("serial", channels.serial);
  socket("qmp", channels.qmp);
  out.Add("-device", "isa-debugcon,iobase=0xe9,chardev=records");
  out.Add("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04");
  out.Add("-device", "isa-serial,chardev=serial");
  out.Add("-mon", "chardev=qmp,mode=control");
}

void AddDisk(Arguments& out, const std::string& id,
             const std::filesystem::path& image) {
  if (image.empty()) return;
  // Never flushed: nobody reads it after the guest's end.
  out.Add("-drive", "if=none,id=" + id +
                        ",format=raw,cache=unsafe,file=" + Escaped(image));
  out.Add("-device", "virtio-blk-pci,drive=" + id + ",serial=" + id);
}

void AddMailbox(Arguments& out, const GuestMachine& machine) {
  out.Add("-object", "memory-backend-file,id=mailbox,size=" +
                         std::to_string(kMailboxSize) +
                         ",share=" + (machine.restore ? "off" : "on") +
                         ",mem-path=" + Escaped(machine.mailbox));
  out.Add("-device", "ivshmem-plain,memdev=mailbox,master=on");
}

}  // namespace

std::string KernelCommandLine(const GuestMachine& machine) {
  std::string line =
      "console=ttyS0 panic=-1 oops=panic"
      // What the hang ladder relies on.
      " unknown_nmi_panic sysrq_always_enabled"
      // Half a second of self-tests.
      " cryptomgr.notests"
      // It begins after a second of CPU time, on a slow machine within a case:
      // it moves pages, and marks some so that move_pages(2) misses them. A
      // case about it turns it on.
      " numa_balancing=disable";
  if (CountsInstructions(machine)) {
    line +=
        // Addresses change how long paths are.
        " nokaslr norandmaps"
        // Nothing to calibrate by, and nothing to find out.
        " tsc_early_khz=1000000 no_timer_check random.trust_cpu=off"
        // For the kit: what a nanosecond is worth.
        " oomgate.instruction_ns=" +
        std::to_string(1 << kShift);
  } else {
    // Else the first reader of randomness may wait for it.
    line += " random.trust_cpu=on";
    if (machine.accelerator == Accelerator::kTcg) {
      // The emulated TSC runs at the host's rate, which the kernel can only
      // measure; on a busy host it came out four times too low and more, and a
      // guest's minute was over in a second.
      line += " clocksource=hpet";
    }
  }
  // PID 1 raises the level again; a panic is printed at any.
  line += machine.verbose ? " earlyprintk=ttyS0" : " quiet";
  // No acpi=off, though it would save 0.3 s: without a timer to calibrate by,
  // the guest's clock and CPU times may fall back to steps of 4 ms.
  // Before 6.1 swap is charged to cgroups only on demand.
  const auto& config = machine.kernel.config;
  if (const auto it = config.find("CONFIG_MEMCG_SWAP");
      it != config.end() && it->second == "y") {
    line += " swapaccount=1";
  }
  if (!machine.command_line.empty()) line += " " + machine.command_line;
  std::istringstream words(line);
  const auto count = std::distance(std::istream_iterator<std::string>(words),
                                   std::istream_iterator<std::string>());
  if (line.size() > kLongestCommandLine || count > kMostWords) {
    throw UserError(
        "the kernel command line has " + std::to_string(line.size()) +
        " bytes in " + std::to_string(count) + " words, and a kernel takes " +
        std::to_string(kLongestCommandLine) + " in " +
        std::to_string(kMostWords) + ": shorten what you add to it");
  }
  return line;
}

std::vector<std::string> QemuArguments(const GuestMachine& machine,
                                       const MachineChannels& channels) {
  Arguments out;
  out.Add("-nodefaults");
  out.Add("-no-user-config");
  out.Add("-display", "none");
  out.Add("-no-reboot");  // a panic ends QEMU
  out.Add("-nic", "none");
  if (machine.sandbox) {
    out.Add("-sandbox",
            "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
            "resourcecontrol=deny");
  }
  out.Add("-machine", machine.shape.nodes < 2 ? "pc,memory-backend=m0" : "pc");
  if (CountsInstructions(machine)) AddClock(out);
  AddProcessors(out, machine);
  AddMemory(out, machine);
  AddChannels(out, channels);
  AddDisk(out, "swap", machine.swap);
  AddDisk(out, "disk", machine.disk);
  if (!machine.mailbox.empty()) AddMailbox(out, machine);
  if (!machine.profiler.empty()) {
    out.Add("-plugin",
            Escaped(machine.profiler) + ",out=" + Escaped(machine.counts));
  }
  if (machine.restore) {
    out.Add("-incoming", "defer");
    return out.Take();
  }
  out.Add("-kernel", machine.kernel.image.string());
  out.Add("-initrd", machine.initramfs.string());
  out.Add("-append", KernelCommandLine(machine));
  return out.Take();
}

}  // namespace oomgate
