// SPDX-License-Identifier: Apache-2.0
// Tests of contests: in a memory cgroup, whose kills the kernel's log tells.
#pragma once

#include "cases/kit/in_box_test.h"
#include "cases/oom/contest.h"

namespace oomgate::oom {

class ContestTest : public InBoxTest {
 protected:
  void SetUp() override {
    InBoxTest::SetUp();
    if (IsSkipped()) return;
    if (access("/dev/kmsg", R_OK) != 0) {
      GTEST_SKIP() << "the kernel's log, which tells who was killed, may not "
                      "be read here";
    }
  }
  Bytes Charge() const {
    return Bytes{Group(facts()).Number(
        OfVersion("memory.usage_in_bytes", "memory.current"))};
  }
};

}  // namespace oomgate::oom
