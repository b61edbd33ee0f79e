// SPDX-License-Identifier: Apache-2.0
// oomgate-init, PID 1 of a guest: oomgate's hands inside. Prepares the machine
// by its orders, runs one judge after another, sends their records out.
#include <sys/mman.h>

#include <optional>
#include <string>

#include "oomgate/model/line.h"
#include "runner/guest/channel.h"
#include "runner/guest/setup.h"
#include "runner/launch/file.h"
#include "runner/launch/judge.h"
#include "runner/launch/orders.h"

namespace {
constexpr std::size_t kMostOrders = 4 << 20;
}  // namespace

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
  const std::optional<GuestOrders> orders =
      DecodeOrders(ReadFile("/orders", kMostOrders) + "\n");
  if (!orders) {
    Say("the orders are not understood");
    channel.EndMachine(2);
  }
  JudgeSetup setup;
  setup.program = "/bin/oomgate-cases";
  setup.cgroup_parent = Prepare(*orders);
  setup.cgroup = setup.cgroup_parent.empty() ? 0 : orders->cgroup;
  setup.own_machine = true;

  const LineSink send = [&channel](std::string_view line) {
    channel.Send(line);
  };
  EmitStart(send);
  for (const JudgeOrder& order : orders->instances) {
    RunJudge(setup, order, send);
  }
  Line end("end");
  end.Number("agent_peak_rss",
             1024 * FieldOf(ReadFile("/proc/self/status"), "VmHWM"));
  channel.Send(end.Done());
  channel.EndMachine(0);
}
