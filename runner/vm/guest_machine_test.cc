// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/guest_machine.h"

#include <gmock/gmock.h>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

GuestMachine Small() {
  GuestMachine machine;
  machine.kernel.image = "/k/vmlinux";
  machine.shape.place = Place::kVm;
  machine.shape.memory = 256_MiB;
  machine.initramfs = "/s/initramfs.cpio";
  return machine;
}

// The values of every `option`, in order.
std::vector<std::string> Values(const std::vector<std::string>& arguments,
                                const std::string& option) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == option) values.push_back(arguments[i + 1]);
  }
  return values;
}

TEST(QemuArguments, SmallestMachine) {
  const auto arguments = QemuArguments(Small());
  EXPECT_THAT(Values(arguments, "-m"), ElementsAre("262144K"));
  EXPECT_THAT(Values(arguments, "-smp"), ElementsAre("1,sockets=1"));
  EXPECT_THAT(Values(arguments, "-accel"), ElementsAre("tcg"));
  EXPECT_THAT(Values(arguments, "-cpu"), ElementsAre("max,la57=off"));
  EXPECT_THAT(Values(arguments, "-kernel"), ElementsAre("/k/vmlinux"));
  EXPECT_THAT(Values(arguments, "-initrd"), ElementsAre("/s/initramfs.cpio"));
  EXPECT_THAT(Values(arguments, "-nic"), ElementsAre("none"));
  EXPECT_THAT(Values(arguments, "-numa"), ElementsAre());
  EXPECT_THAT(Values(arguments, "-drive"), ElementsAre());
  EXPECT_THAT(Values(arguments, "-sandbox"),
              ElementsAre(StartsWith("on,obsolete=deny")));
}

TEST(QemuArguments, ChannelsAreInheritedDescriptors) {
  const auto arguments =
      QemuArguments(Small(), {.records = 7, .serial = 8, .qmp = 9});
  EXPECT_THAT(Values(arguments, "-chardev"),
              ElementsAre("socket,id=records,fd=7", "socket,id=serial,fd=8",
                          "socket,id=qmp,fd=9"));
}

TEST(QemuArguments, AProfilerIsAPlugin) {
  GuestMachine machine = Small();
  EXPECT_THAT(Values(QemuArguments(machine), "-plugin"), ElementsAre());
  machine.profiler = "/lib/oomgate-profile.so";
  machine.counts = "/a,b/counts";
  EXPECT_THAT(Values(QemuArguments(machine), "-plugin"),
              ElementsAre("/lib/oomgate-profile.so,out=/a,,b/counts"));
}

TEST(QemuArguments, NodesShareMemoryAndProcessors) {
  GuestMachine machine = Small();
  machine.shape.nodes = 3;
  machine.shape.cpus = 4;
  const auto arguments = QemuArguments(machine);
  EXPECT_THAT(Values(arguments, "-object"),
              ElementsAre("memory-backend-ram,id=m0,size=89128960",
                          "memory-backend-ram,id=m1,size=89128960",
                          "memory-backend-ram,id=m2,size=90177536"));
  EXPECT_EQ(89128960 * 2 + 90177536, (256_MiB).count);
  EXPECT_THAT(
      Values(arguments, "-numa"),
      ElementsAre("node,nodeid=0,memdev=m0", "node,nodeid=1,memdev=m1",
                  "node,nodeid=2,memdev=m2", "cpu,node-id=0,socket-id=0",
                  "cpu,node-id=1,socket-id=1", "cpu,node-id=2,socket-id=2",
                  "cpu,node-id=0,socket-id=3"));
}

TEST(QemuArguments, KvmHasTheHostsProcessor) {
  GuestMachine machine = Small();
  machine.accelerator = Accelerator::kKvm;
  const auto arguments = QemuArguments(machine);
  EXPECT_THAT(Values(arguments, "-accel"), ElementsAre("kvm"));
  EXPECT_THAT(Values(arguments, "-cpu"), ElementsAre("host"));
}

TEST(QemuArguments, SwapIsADiskWhoseNameMayHoldAComma) {
  GuestMachine machine = Small();
  machine.swap = "/s,1/swap.raw";
  const auto arguments = QemuArguments(machine);
  EXPECT_THAT(Values(arguments, "-drive"),
              ElementsAre(HasSubstr("file=/s,,1/swap.raw")));
  EXPECT_THAT(Values(arguments, "-device"),
              Contains("virtio-blk-pci,drive=swap,serial=swap"));
}

TEST(QemuArguments, ASavedGuestIsRestoredFromAPrivateCopy) {
  GuestMachine machine = Small();
  machine.ram = "/t";
  machine.mailbox = "/m";
  EXPECT_THAT(Values(QemuArguments(machine), "-object"),
              ElementsAre(AllOf(HasSubstr("share=on"), HasSubstr("/t/ram0")),
                          AllOf(HasSubstr("share=on"), HasSubstr("/m"))));
  machine.restore = true;
  const auto arguments = QemuArguments(machine);
  EXPECT_THAT(Values(arguments, "-object"),
              ElementsAre(HasSubstr("share=off"), HasSubstr("share=off")));
  EXPECT_THAT(Values(arguments, "-incoming"), ElementsAre("defer"));
  EXPECT_THAT(arguments, Not(Contains("-kernel")));
}

TEST(QemuArguments, TheInstructionClockHasNoRandomSource) {
  EXPECT_THAT(Values(QemuArguments(Small()), "-icount"), ElementsAre());
  GuestMachine machine = Small();
  machine.shape.clock = Clock::kInstructions;
  const auto arguments = QemuArguments(machine);
  EXPECT_THAT(Values(arguments, "-icount"), ElementsAre("shift=1,sleep=off"));
  EXPECT_THAT(Values(arguments, "-seed"), ElementsAre("1"));
  EXPECT_THAT(Values(arguments, "-rtc"), ElementsAre(HasSubstr("clock=vm")));
  EXPECT_THAT(Values(arguments, "-cpu"),
              ElementsAre(HasSubstr("rdrand=off,rdseed=off")));
  EXPECT_THAT(KernelCommandLine(machine),
              AllOf(HasSubstr("nokaslr"), HasSubstr("norandmaps"),
                    HasSubstr("oomgate.instruction_ns=2")));
}

TEST(KernelCommandLine, EmulatedGuestsDoNotMeasureTheirClock) {
  GuestMachine machine = Small();
  EXPECT_THAT(KernelCommandLine(machine), HasSubstr(" clocksource=hpet"));
  machine.accelerator = Accelerator::kKvm;
  EXPECT_THAT(KernelCommandLine(machine), Not(HasSubstr("clocksource")));
}

TEST(QemuArguments, SandboxOnlyWhereQemuHasIt) {
  GuestMachine machine = Small();
  machine.sandbox = false;
  EXPECT_THAT(QemuArguments(machine), Not(Contains("-sandbox")));
}

TEST(KernelCommandLine, NoPageMovesByItself) {
  EXPECT_THAT(KernelCommandLine(Small()), HasSubstr(" numa_balancing=disable"));
}

TEST(KernelCommandLine, UsersWordsComeLast) {
  GuestMachine machine = Small();
  machine.command_line = "transparent_hugepage=always";
  machine.verbose = true;
  EXPECT_THAT(KernelCommandLine(machine),
              AllOf(StartsWith("console=ttyS0 "), Not(HasSubstr("quiet")),
                    testing::EndsWith(" transparent_hugepage=always")));
}

TEST(KernelCommandLine, OldKernelsCountSwapOnDemand) {
  GuestMachine machine = Small();
  EXPECT_THAT(KernelCommandLine(machine), Not(HasSubstr("swapaccount")));
  machine.kernel.config["CONFIG_MEMCG_SWAP"] = "y";
  EXPECT_THAT(KernelCommandLine(machine), HasSubstr(" swapaccount=1"));
}

TEST(KernelCommandLine, RefusesWhatAKernelWouldDrop) {
  GuestMachine machine = Small();
  machine.command_line = std::string(2048, 'x');
  EXPECT_THROW(KernelCommandLine(machine), UserError);
  machine.command_line = "";
  for (int i = 0; i < 32; ++i) machine.command_line += " a=1";
  EXPECT_THROW(KernelCommandLine(machine), UserError);
}

}  // namespace
}  // namespace oomgate
