// SPDX-License-Identifier: Apache-2.0
#include "runner/launch/orders.h"

#include <gtest/gtest.h>

#include "runner/launch/judge.h"

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
                      {"fork/y", Blast::kMachine, {}, {}, 30, true},
                      {"fork/z",
                       Blast::kProcess,
                       {},
                       {{"memory.high", "max"}},
                       30,
                       false,
                       "lock 2, write+read a/b=c-d_e."}};
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
  EXPECT_FALSE(DecodeOrders("without lock\n"));        // likewise
  EXPECT_FALSE(DecodeOrders("run 1 0 30 0 a/b\nwithout \n"));
  EXPECT_FALSE(DecodeOrders("cgroup 2"));  // cut off
}

TEST(IsStepName, IsWhatAnOrderCanCarry) {
  EXPECT_TRUE(IsStepName("lock"));
  EXPECT_TRUE(IsStepName("lock twice, 4m +1 a/b=c_d-e."));
  EXPECT_TRUE(IsStepName("clone(CLONE_VM): the child's 60 %"));
  EXPECT_TRUE(IsStepName(std::string(64, 'x')));
  for (const std::string& wrong :
       {std::string(), std::string(65, 'x'), std::string(" lock"),
        std::string("lock "), std::string("a\nrun"), std::string("\xc3\xa4")}) {
    EXPECT_FALSE(IsStepName(wrong)) << wrong;
  }
}

TEST(JudgeWords, SayWhatIsOrdered) {
  JudgeSetup setup;
  setup.program = "cases";
  JudgeOrder order;
  order.instance = "a/b[x=1]";
  order.timeout_seconds = 5;
  EXPECT_EQ(JudgeWords(setup, order, "process"),
            (std::vector<std::string>{"cases", "--run=a/b[x=1]",
                                      "--box=process", "--timeout=5"}));
  order.invert = true;
  order.without = "lock twice";
  setup.own_machine = true;
  GuestOrders orders;
  orders.instances = {order};
  // As it went through the orders of a guest: one word, blanks and all.
  const auto there = DecodeOrders(Encode(orders));
  ASSERT_TRUE(there);
  EXPECT_EQ(JudgeWords(setup, there->instances.at(0), "machine"),
            (std::vector<std::string>{
                "cases", "--run=a/b[x=1]", "--box=machine", "--timeout=5",
                "--invert", "--without=lock twice", "--promised"}));
}

}  // namespace
}  // namespace oomgate
