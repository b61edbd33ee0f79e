// SPDX-License-Identifier: Apache-2.0
// A ledger is exact only where nothing else runs. Here others do: so what is
// kept is large, and only its own entry is looked at.
#include "cases/kit/ledger.h"

#include <gmock/gmock.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cases/kit/facts.h"
#include "oomgate/memory.h"
#include "oomgate/stopwatch.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::Ge;
using testing::Le;

constexpr Bytes kKept = 192_MiB;
constexpr Bytes kNoise = 64_MiB;
constexpr const char* kShmem = "Shmem and swap in use";
constexpr const char* kCommitted = "Committed_AS beyond what is mapped";

class LedgerTest : public testing::Test {
 protected:
  ~LedgerTest() override { Trace::Release(trace_); }
  // By how much an entry has grown; 0 B where it has not.
  static Bytes Leaked(const Ledger& ledger, const std::string& entry,
                      int patience = 0) {
    std::string text;
    for (const std::string& entry : ledger.WhatLeaked(milliseconds(patience))) {
      text += entry + ", ";
    }
    const std::size_t at = text.find(entry + " +");
    if (at == std::string::npos) return {};
    return std::atoll(&text[at + entry.size() + 2]) * 1_KiB;
  }
  // A segment of shared memory; its id, or -1.
  static int MakeSegment(Bytes size) {
    return shmget(IPC_PRIVATE, Length(size), IPC_CREAT | 0600);
  }

  const BoxView box_{"process"};
  const Facts facts_ = CollectFacts(box_);
  Trace* trace_ = Trace::Share();
};

TEST_F(LedgerTest, AMemfdThatIsKeptIsToldUntilItIsGivenBack) {
  const Ledger ledger(box_, facts_);
  const int file = MakeMemfd(*trace_, kKept);
  const Range range = MapFile(*trace_, file, kKept, PROT_WRITE, MAP_SHARED);
  WritePages(*trace_, range);
  Unmap(*trace_, range);
  EXPECT_THAT(Leaked(ledger, kShmem),
              AllOf(Ge(kKept - kNoise), Le(kKept + kNoise)));
  close(file);
  EXPECT_LT(Leaked(ledger, kShmem), kNoise);
}

TEST_F(LedgerTest, ASegmentThatIsKeptIsToldUntilItIsGivenBack) {
  const Ledger ledger(box_, facts_);
  const int segment = MakeSegment(kKept);
  ASSERT_GE(segment, 0) << std::strerror(errno);
  void* const at = shmat(segment, nullptr, 0);
  ASSERT_EQ(ErrnoOf(at), 0);
  WritePages(*trace_, {.start = static_cast<char*>(at), .size = kKept});
  shmdt(at);
  EXPECT_THAT(Leaked(ledger, kShmem),
              AllOf(Ge(kKept - kNoise), Le(kKept + kNoise)));
  shmctl(segment, IPC_RMID, nullptr);
  EXPECT_LT(Leaked(ledger, kShmem), kNoise);
}

// No page of it is there: it is only committed.
TEST_F(LedgerTest, WhatIsCommittedAndNotMappedIsTold) {
  constexpr Bytes kSize = 6_GiB;
  const Ledger ledger(box_, facts_);
  const int segment = MakeSegment(kSize);
  if (segment < 0) {
    GTEST_SKIP() << "6 GiB of shared memory: " << std::strerror(errno);
  }
  EXPECT_THAT(Leaked(ledger, kCommitted),
              AllOf(Ge(kSize / 2), Le(kSize * 3 / 2)));
  EXPECT_LT(Leaked(ledger, kShmem), kNoise);
  shmctl(segment, IPC_RMID, nullptr);
  EXPECT_LT(Leaked(ledger, kCommitted), kSize / 2);
}

// A mapping of our own is explained by its process.
TEST_F(LedgerTest, WhatIsMappedIsNotTold) {
  const Ledger ledger(box_, facts_);
  MapOptions accounted;
  accounted.flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const Range range = MapAnonymous(*trace_, 3_GiB, accounted);
  EXPECT_LT(Leaked(ledger, kCommitted), 2_GiB);
  Unmap(*trace_, range);
}

TEST_F(LedgerTest, WhatIsKeptIsAskedForUntilTheTimeIsUp) {
  const Ledger ledger(box_, facts_);
  const Range range =
      MapBare(*trace_, kKept, PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  WritePages(*trace_, range);
  // Much longer than one look takes, which is long on a busy machine.
  const Stopwatch look;
  EXPECT_GE(Leaked(ledger, kShmem), kKept - kNoise);
  const int patience = static_cast<int>(3 * look.Milliseconds() + 300);
  const Stopwatch watch;
  EXPECT_GE(Leaked(ledger, kShmem, patience), kKept - kNoise);
  EXPECT_GE(watch.Milliseconds(), patience);
  Unmap(*trace_, range);
}

}  // namespace
}  // namespace oomgate
