// SPDX-License-Identifier: Apache-2.0
#include "oomgate/range.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

#include "cases/kit/sanitized_test.h"
#include "oomgate/memory.h"
#include "oomgate/process.h"
#include "oomgate/usage.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8 * kPage;
constexpr int kNoAdvice = 9999;

class RangeTest : public testing::Test {
 protected:
  ~RangeTest() override { Trace::Release(trace_); }
  // The mappings of the whole reservation.
  static int Mappings(const Range& range) {
    return ReadMapping({.start = range.reserved, .size = range.reserved_size})
        .mappings;
  }
  Trace* trace_ = Trace::Share();
};

TEST_F(RangeTest, LockingAPartLocksThatAndUnlockingGivesItBack) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer locks nothing";
  const Range range = MapAnonymous(*trace_, kSize);
  const Bytes before = StatusField("VmLck");
  EXPECT_EQ(TryLock(range.Part(kPage, 3 * kPage)), 0);
  EXPECT_EQ(StatusField("VmLck") - before, 3 * kPage);
  EXPECT_EQ(TryUnlock(range.Part(2 * kPage, kPage)), 0);
  EXPECT_EQ(StatusField("VmLck") - before, 2 * kPage);
  Lock(*trace_, range);
  EXPECT_EQ(StatusField("VmLck") - before, kSize);
  Unlock(*trace_, range);
  EXPECT_EQ(StatusField("VmLck"), before);
  Unmap(*trace_, range);
}

TEST_F(RangeTest, AProtectedPartMayNotBeWrittenAndTheRestMay) {
  const Range range = MapAnonymous(*trace_, kSize);
  EXPECT_EQ(TryProtect(range.Part(kPage, kPage), PROT_READ), 0);
  const int status = RunChild(*trace_, [&] {
    signal(SIGSEGV, SIG_DFL);
    *range.start = 1;
    range.start[kPage.count] = 1;
  });
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  Protect(*trace_, range, PROT_READ | PROT_WRITE);
  EXPECT_EQ(RunChild(*trace_, [&] { range.start[kPage.count] = 1; }), 0);
  Unmap(*trace_, range);
}

TEST_F(RangeTest, AnAdviceIsTaken) {
  const Range range = MapAnonymous(*trace_, kSize);
  WritePages(*trace_, range);
  EXPECT_EQ(TryAdvise(range.Part(0_B, kPage), MADV_DONTNEED), 0);
  EXPECT_EQ(ReadMapping(range).rss, kSize - kPage);
  Advise(*trace_, range, MADV_DONTNEED);
  EXPECT_EQ(ReadMapping(range).rss, 0_B);
  Unmap(*trace_, range);
}

TEST_F(RangeTest, APartIsUnmappedAloneAndAWholeRangeWithItsGuards) {
  const Range range = MapAnonymous(*trace_, kSize);
  ASSERT_EQ(Mappings(range), 3);
  EXPECT_EQ(TryUnmap(range.Part(2 * kPage, kPage)), 0);
  EXPECT_EQ(Mappings(range), 4);
  Unmap(*trace_, range.Part(0_B, kSize));
  EXPECT_EQ(Mappings(range), 2);  // the guards
  Unmap(*trace_, range);
  EXPECT_EQ(Mappings(range), 0);
}

TEST_F(RangeTest, ARangeThatGrowsIsWhereItIsNowWithItsContents) {
  Range range = MapAnonymous(*trace_, kSize);
  const Range before = range;
  *range.start = 42;
  EXPECT_EQ(TryRemap(range, 2 * kSize, MREMAP_MAYMOVE), 0);
  EXPECT_NE(range.start, before.start);
  EXPECT_EQ(range.size, 2 * kSize);
  EXPECT_EQ(range.reserved, nullptr);
  EXPECT_EQ(*range.start, 42);
  Unmap(*trace_, range);
  EXPECT_EQ(Mappings(before), 2);  // the guards stay behind
  Unmap(*trace_, before);
}

TEST_F(RangeTest, ARangeThatShrinksKeepsItsGuards) {
  const Range before = MapAnonymous(*trace_, kSize);
  const Range range = Remap(*trace_, before, kPage, 0);
  EXPECT_EQ(range.start, before.start);
  EXPECT_EQ(range.size, kPage);
  EXPECT_EQ(ReadMapping(before).mappings, 1);
  Unmap(*trace_, range);
  EXPECT_EQ(Mappings(before), 0);
}

TEST_F(RangeTest, ARangeMovesToWhereItIsTold) {
  const Range from = MapAnonymous(*trace_, kSize);
  const Range to = MapAnonymous(*trace_, kSize);
  *from.start = 42;
  const Range moved =
      Remap(*trace_, from, kSize, MREMAP_MAYMOVE | MREMAP_FIXED, to.start);
  EXPECT_EQ(moved.start, to.start);
  EXPECT_EQ(*moved.start, 42);
  EXPECT_EQ(ReadMapping(from).mappings, 0);
  for (const Range& range : {from, to}) Unmap(*trace_, range);
}

TEST_F(RangeTest, WhatIsRefusedSaysWhyAndChangesNothing) {
  const Range nowhere{.start = nullptr, .size = kPage};
  const Range askew{.start = nowhere.start + 1, .size = kPage};
  EXPECT_EQ(TryAdvise(nowhere, kNoAdvice), EINVAL);
  if (!kSanitized) {
    EXPECT_EQ(TryLock(nowhere), ENOMEM);
    EXPECT_EQ(TryUnlock(nowhere), ENOMEM);
  }
  EXPECT_EQ(TryProtect(nowhere, PROT_READ), ENOMEM);
  EXPECT_EQ(TryUnmap(askew), EINVAL);
  Range range = MapAnonymous(*trace_, kSize);
  const Range before = range;
  EXPECT_EQ(TryRemap(range, 2 * kSize, 0), ENOMEM);  // its guard is there
  EXPECT_EQ(range.start, before.start);
  EXPECT_EQ(range.size, kSize);
  Unmap(*trace_, range);
}

TEST_F(RangeTest, WhatMustSucceedEndsTheSubject) {
  const Range nowhere{.start = nullptr, .size = kPage};
  const Range askew{.start = nowhere.start + 1, .size = kPage};
  const auto stopped = [&](auto call) {
    Trace* const trace = Trace::Share();
    RunChild(*trace, [&] { call(*trace); });
    const std::string text = trace->Stopped();
    Trace::Release(trace);
    return text;
  };
  EXPECT_EQ(stopped([&](Trace& t) { Advise(t, nowhere, kNoAdvice); }),
            "madvise: Invalid argument");
  if (!kSanitized) {
    EXPECT_EQ(stopped([&](Trace& t) { Lock(t, nowhere); }),
              "mlock: Cannot allocate memory");
    EXPECT_EQ(stopped([&](Trace& t) { Unlock(t, nowhere); }),
              "munlock: Cannot allocate memory");
  }
  EXPECT_EQ(stopped([&](Trace& t) { Protect(t, nowhere, PROT_READ); }),
            "mprotect: Cannot allocate memory");
  EXPECT_EQ(stopped([&](Trace& t) { Unmap(t, askew); }),
            "munmap: Invalid argument");
  EXPECT_EQ(stopped([&](Trace& t) { Remap(t, nowhere, kSize, 0); }),
            "mremap: Bad address");
}

}  // namespace
}  // namespace oomgate
