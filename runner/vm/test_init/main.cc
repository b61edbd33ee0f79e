// SPDX-License-Identifier: Apache-2.0
// PID 1 of a guest that misbehaves on order: the instance's id says how. Shows
// what the outside makes of it, which no honest init can.
#include <fcntl.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "runner/guest/channel.h"
#include "runner/launch/file.h"
#include "runner/launch/orders.h"

namespace oomgate {
namespace {

void SendRaw(std::string_view bytes) {
  outsb(0xe9, bytes.data(), bytes.size());
}

void Misbehave(std::string_view how, Channel& channel) {
  if (how == "panic") {
    WriteFile("/proc/sysrq-trigger", "c");
  } else if (how == "hang") {
    for (;;) asm volatile("pause");
  } else if (how == "exit") {
    channel.EndMachine(3);
  } else if (how == "init_dies") {
    _exit(1);
  } else if (how == "garbage") {
    SendRaw("@0 00000000 {}\n\xff\xfe{\"event\":\"result\"}\n");
  } else if (how == "flood") {
    const std::string noise(64 << 10, 'x');
    for (;;) SendRaw(noise);
  } else if (how == "flood_console") {
    const std::string noise(512, 'x');
    for (;;) WriteFile("/dev/kmsg", "<1>" + noise + "\n");
  } else if (how == "say") {
    WriteFile("/dev/kmsg", "<6>oomgate says something\n");
  }
}

}  // namespace
}  // namespace oomgate

int main() {
  using namespace oomgate;
  mount("proc", "/proc", "proc", 0, "");
  mount("devtmpfs", "/dev", "devtmpfs", 0, "");
  Channel channel;
  const auto orders = DecodeOrders(ReadFile("/orders") + "\n");
  if (!channel.Open() || !orders) return 1;
  WriteFile("/proc/sys/kernel/printk", "7");
  WriteFile("/proc/sys/kernel/printk_devkmsg", "on");
  // "test/boot_HOW" comes before `start`.
  if (!orders->instances.empty() &&
      orders->instances[0].instance.starts_with("test/boot_")) {
    Misbehave(orders->instances[0].instance.substr(10), channel);
  }
  channel.Send("{\"event\":\"start\",\"schema\":1,\"kernel\":\"test\"}");
  for (const JudgeOrder& order : orders->instances) {
    const std::string named = "\"id\":\"" + order.instance + "\",\"params\":{}";
    channel.Send("{\"event\":\"begin\"," + named + "}");
    Misbehave(std::string_view(order.instance).substr(5), channel);
    channel.Send("{\"event\":\"result\"," + named + ",\"verdict\":\"" +
                 (order.instance == "test/say" ? "fail" : "pass") + "\"}");
  }
  channel.Send("{\"event\":\"end\"}");
  channel.EndMachine(0);
}
