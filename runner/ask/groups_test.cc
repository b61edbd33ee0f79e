// SPDX-License-Identifier: Apache-2.0
#include "runner/ask/groups.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace oomgate {
namespace {

namespace fs = std::filesystem;

// Stands for "/".
class Groups : public testing::Test {
 protected:
  Groups()
      : root_(fs::path(testing::TempDir()) /
              ("groups" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
  }
  ~Groups() override { fs::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  fs::path root_;
};

TEST_F(Groups, TheTightestOnTheWayUpCounts) {
  Write("proc/self/mounts", "none /cg cgroup2 rw,nosuid 0 0\n");
  Write("proc/7/cgroup", "0::/a/b\n");
  Write("cg/a/b/pids.max", "max\n");
  Write("cg/a/b/pids.current", "3\n");
  Write("cg/a/pids.max", "10\n");
  Write("cg/a/pids.current", "9\n");
  Write("cg/a/b/memory.max", "1000000\n");
  Write("cg/a/b/memory.current", "900000\n");
  Write("cg/a/b/memory.stat", "file 1\ninactive_file 50000\nactive_file 7\n");
  Write("cg/a/memory.max", "9000000\n");
  Write("cg/a/memory.current", "900000\n");
  const GroupFacts facts = ReadGroupFacts(7, root_);
  ASSERT_TRUE(facts.pids && facts.memory);
  EXPECT_EQ(facts.pids->group, root_ / "cg/a");
  EXPECT_EQ(facts.pids->left(), 1);
  EXPECT_EQ(facts.memory->group, root_ / "cg/a/b");
  EXPECT_EQ(facts.memory->left(), 150007);
}

TEST_F(Groups, EachControllerOfV1HasItsOwnTree) {
  Write("proc/self/mounts",
        "none /u cgroup2 rw 0 0\nnone /m cgroup rw,memory 0 0\n"
        "none /p cgroup rw,pids 0 0\n");
  Write("proc/7/cgroup", "5:pids:/x\n4:memory:/y\n0::/z\n");
  Write("p/x/pids.max", "4\n");
  Write("p/x/pids.current", "4\n");
  Write("m/y/memory.limit_in_bytes", "9223372036854771712\n");
  Write("m/y/memory.usage_in_bytes", "5\n");
  const GroupFacts facts = ReadGroupFacts(7, root_);
  ASSERT_TRUE(facts.pids);
  EXPECT_EQ(facts.pids->left(), 0);
  EXPECT_FALSE(facts.memory);  // that is no limit
}

TEST_F(Groups, WhatIsNotThereDoesNotLimit) {
  Write("proc/self/mounts", "none /cg cgroup2 rw 0 0\n");
  const GroupFacts facts = ReadGroupFacts(7, root_);
  EXPECT_FALSE(facts.pids);
  EXPECT_FALSE(facts.memory);
}

}  // namespace
}  // namespace oomgate
