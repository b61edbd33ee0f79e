// SPDX-License-Identifier: Apache-2.0
#include "oomgate/group.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "cases/kit/in_box_test.h"
#include "oomgate/memory.h"
#include "oomgate/usage.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 4_MiB;

class GroupTest : public InBoxTest {
 protected:
  const char* Limit() const {
    return OfVersion("memory.limit_in_bytes", "memory.max");
  }
  const char* Events() const {
    return OfVersion("memory.oom_control", "memory.events");
  }
  Group Box() const { return Group(facts()); }
  // Runs `body` in a child that is not in the box, whose children may have
  // limits: its wait(2) status.
  template <typename Body>
  int Beside(Body body) {
    return RunChild(trace(), [&] {
      if (facts().cgroup == 2) Box().GiveToChildren(trace());
      body();
      if (facts().cgroup == 2) Box().GiveToChildren(trace(), false);
    });
  }
};

TEST_F(GroupTest, IsTheFolderOfTheBoxWithItsFiles) {
  EXPECT_EQ(Box().folder(), facts().box_folder);
  EXPECT_TRUE(Box().Has(Limit()));
  EXPECT_FALSE(Box().Has("memory.no_such_file"));
  EXPECT_EQ(Box().Number(Limit()), (64_MiB).count);
  EXPECT_EQ(Box().Field(Events(), "oom_kill"), 0);
  EXPECT_EQ(Box().Write("memory.no_such_file", "1"), ENOENT);
  EXPECT_EQ(Box().Write(Limit(), "nonsense"), EINVAL);
}

TEST_F(GroupTest, AChildIsMadeLimitedAndRemoved) {
  EXPECT_EQ(Beside([&] {
              const Group child = Box().Child(trace(), "child");
              trace().Set("there", Box().Has("child"));
              child.Set(trace(), Limit(), kLimit);
              trace().Set("limit", child.Number(Limit()));
              child.Remove(trace());
              trace().Set("left", Box().Has("child"));
            }),
            0)
      << trace().Stopped();
  EXPECT_EQ(Value("there"), 1);
  EXPECT_EQ(Value("limit"), kLimit.count);
  EXPECT_EQ(Value("left"), 0);
}

TEST_F(GroupTest, WhatCannotBeMadeOrSetEndsTheSubject) {
  EXPECT_NE(InBox([&] { Box().Child(trace(), "no/such/child"); }), 0);
  EXPECT_EQ(trace().Stopped(), "mkdir of a group: No such file or directory");
}

TEST_F(GroupTest, WhatIsNotWrittenEndsTheSubject) {
  EXPECT_NE(InBox([&] { Box().Set(trace(), "memory.no_such_file", 1_B); }), 0);
  EXPECT_EQ(trace().Stopped(),
            "memory.no_such_file: No such file or directory");
}

TEST_F(GroupTest, AChildProcessIsAMemberOfTheGroupThatItRunsIn) {
  const int status = RunChildIn(trace(), Box(), [&] {
    trace().Set("pid", getpid());
    trace().Set("member", Box().Number("cgroup.procs"));
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Value("member"), Value("pid"));
  EXPECT_EQ(Box().Number("cgroup.procs"), -1);  // it is empty again
}

TEST_F(GroupTest, MembersAreKilledWhenTheirGroupIsRemoved) {
  EXPECT_EQ(Beside([&] {
              const Group child = Box().Child(trace(), "child");
              Gate ready(trace());
              const pid_t member = StartChildIn(trace(), child, [&] {
                ready.Open();
                WaitForever();
              });
              ready.Pass();
              child.Remove(trace());
              int status = 0;
              trace().Set("ended", EndsWithin(member, 5000, status));
              trace().Set("status", status);
              trace().Set("left", Box().Has("child"));
            }),
            0)
      << trace().Stopped();
  EXPECT_EQ(Value("ended"), 1);
  EXPECT_EQ(Value("status"), SIGKILL);
  EXPECT_EQ(Value("left"), 0);
}

// What a case does with a group of its own.
TEST_F(GroupTest, AGroupInTheBoxHoldsItsMembersToItsLimit) {
  EXPECT_EQ(InBox([&] {
              const GroupInBox group(trace(), facts(), "mine");
              group.Set(trace(), Limit(), kLimit);
              trace().Set("within", group.Run([&] {
                WritePages(trace(), MapAnonymous(trace(), kLimit / 2));
              }));
              trace().Set("beyond", group.Run([&] {
                WritePages(trace(), MapAnonymous(trace(), 2 * kLimit));
              }));
              trace().Set("kills", group.Field(Events(), "oom_kill"));
              trace().Set("above", group.box().Number(Limit()));
              trace().Set("self_is_beside",
                          group.self().Number("cgroup.procs") == getpid());
            }),
            0)
      << trace().Stopped();
  EXPECT_EQ(Value("within"), 0);
  EXPECT_EQ(Value("beyond"), SIGKILL);
  EXPECT_EQ(Value("kills"), 1);
  EXPECT_EQ(Value("above"), (64_MiB).count);
  EXPECT_EQ(Value("self_is_beside"), 1);
}

TEST_F(GroupTest, AGroupInTheBoxIsGoneAtItsEndWithWhoIsInIt) {
  EXPECT_EQ(InBox([&] {
              pid_t member = 0;
              {
                const GroupInBox group(trace(), facts());
                Gate ready(trace());
                member = group.Start([&] {
                  ready.Open();
                  WaitForever();
                });
                ready.Pass();
                trace().Set("there", Box().Has("group/cgroup.procs"));
                trace().Set("member", group.Number("cgroup.procs") == member);
              }
              int status = 0;
              trace().Set("ended", EndsWithin(member, 5000, status));
              trace().Set("status", status);
              trace().Set("left", Box().Has("group") || Box().Has("self"));
              trace().Set("back", Box().Number("cgroup.procs") == getpid());
            }),
            0)
      << trace().Stopped();
  EXPECT_EQ(Value("there"), 1);
  EXPECT_EQ(Value("member"), 1);
  EXPECT_EQ(Value("ended"), 1);
  EXPECT_EQ(Value("status"), SIGKILL);
  EXPECT_EQ(Value("left"), 0);
  EXPECT_EQ(Value("back"), 1);
}

TEST_F(GroupTest, AnOpenedBoxLetsItsChildrenHaveLimitsWhileItLives) {
  if (facts().cgroup != 2) {
    GTEST_SKIP() << "the memory controller is v1, whose boxes are always open";
  }
  EXPECT_EQ(InBox([&] {
              {
                const OpenedBox box(trace(), facts());
                trace().Set("in_self",
                            box.self().Number("cgroup.procs") == getpid());
                trace().Set("empty", box.box().Number("cgroup.procs"));
                const Group child = box.Child("child");
                trace().Set("limited", child.Has(Limit()));
                child.Remove(trace());
              }
              trace().Set("back", Box().Number("cgroup.procs") == getpid());
              trace().Set("left", Box().Has("self"));
              const Group later = Box().Child(trace(), "later");
              trace().Set("closed", later.Has(Limit()) ? 0 : 1);
              later.Remove(trace());
            }),
            0)
      << trace().Stopped();
  EXPECT_EQ(Value("in_self"), 1);
  EXPECT_EQ(Value("empty"), -1);
  EXPECT_EQ(Value("limited"), 1);
  EXPECT_EQ(Value("back"), 1);
  EXPECT_EQ(Value("left"), 0);
  EXPECT_EQ(Value("closed"), 1);
}

}  // namespace
}  // namespace oomgate
