// SPDX-License-Identifier: Apache-2.0
#include "runner/launch/orders.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

TEST(Orders, ComeBackAsTheyWent) {
  GuestOrders orders;
  orders.wait = true;
  orders.symbols = true;
  orders.cgroup = 1;
  orders.swap = "zram0";
  orders.swap_size = 64_MiB;
  orders.modules = {"/modules/virtio.ko", "/modules/virtio_blk.ko"};
  orders.shown = {"/proc/sys/vm/swappiness", "/sys/a b"};
  orders.settings = {{"/proc/sys/vm/overcommit_memory", "2"},
                     {"/proc/sys/kernel/panic_on_oops", ""}};
  orders.instances = {{"pages/x[touch=read]",
                       Blast::kCgroup,
                       32_MiB,
                       {{"memory.high", "max"}, {"pids.max", "1"}},
                       5,
                       false},
                      {"fork/y", Blast::kMachine, {}, {}, 30, true}};
  orders.disk = "vdb";
  const auto back = DecodeOrders(Encode(orders));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, orders);
}

TEST(Orders, WhatIsNotUnderstoodIsRefused) {
  EXPECT_FALSE(DecodeOrders("dance 1\n"));
  EXPECT_FALSE(DecodeOrders("cgroup two\n"));
  EXPECT_FALSE(DecodeOrders("run 9 0 30 0 a/b\n"));
  EXPECT_FALSE(DecodeOrders("run 1 0 30 0 \n"));
  EXPECT_FALSE(DecodeOrders("knob memory.high 1\n"));  // of no instance
  EXPECT_FALSE(DecodeOrders("cgroup 2"));              // cut off
}

}  // namespace
}  // namespace oomgate
