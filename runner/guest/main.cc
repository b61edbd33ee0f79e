// SPDX-License-Identifier: Apache-2.0
// oomgate-init, PID 1 of a guest: oomgate's hands inside. Prepares the machine
// by its orders, runs one judge after another, sends their records out.
#include <sys/mman.h>

#include <optional>
#include <string>

#include "oomgate/model/line.h"
#include "runner/guest/channel.h"
#include "runner/guest/setup.h"
#include "runner/guest/shared_memory.h"
#include "runner/guest/symbols.h"
#include "runner/launch/file.h"
#include "runner/launch/judge.h"
#include "runner/launch/mailbox.h"
#include "runner/launch/orders.h"

namespace oomgate {
namespace {

constexpr std::size_t kMostOrders = 4 << 20;

// The rest of the orders. It is here that a guest is saved, and restored again
// and again: each time another text stands in the mailbox.
GuestOrders AwaitOrders(Channel& channel) {
  const volatile unsigned char* const mailbox = MapSharedMemory();
  if (mailbox == nullptr) {
    Say("there is no mailbox for more orders");
    channel.EndMachine(2);
  }
  channel.Send(Line("ready").Done());
  std::optional<GuestOrders> orders = DecodeOrders(AwaitMail(mailbox));
  if (!orders) {
    Say("the orders in the mailbox are not understood");
    channel.EndMachine(2);
  }
  channel = Channel();  // who listens now has heard nothing yet
  return *orders;
}

}  // namespace
}  // namespace oomgate

int main() {
  using namespace oomgate;
  // No page of ours is missing while the machine has none to give.
  mlockall(MCL_CURRENT | MCL_FUTURE);
  MountBasics();
  Channel channel;
  if (!channel.Open()) {
    Say("no I/O ports: is the kernel locked down?");
    return 1;  // PID 1 may not end: the kernel panics, and says so
  }
  std::optional<GuestOrders> orders =
      DecodeOrders(ReadFile("/orders", kMostOrders) + "\n");
  if (!orders) {
    Say("the orders are not understood");
    channel.EndMachine(2);
  }
  JudgeSetup setup;
  setup.program = "/bin/oomgate-cases";
  setup.cgroup_parent = PrepareShape(*orders);
  if (orders->wait) orders = AwaitOrders(channel);
  PrepareInstance(*orders);
  AwaitCommonTime();
  setup.cgroup = setup.cgroup_parent.empty() ? 0 : orders->cgroup;
  setup.own_machine = true;

  const LineSink send = [&channel](std::string_view line) {
    channel.Send(line);
  };
  EmitStart(send, orders->shown);
  if (orders->symbols) SendSymbols(channel);
  for (const JudgeOrder& order : orders->instances) {
    RunJudge(setup, order, send);
  }
  Line end("end");
  end.Number("agent_peak_rss",
             1024 * FieldOf(ReadFile("/proc/self/status"), "VmHWM"));
  channel.Send(end.Done());
  channel.EndMachine(0);
}
