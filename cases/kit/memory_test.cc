// SPDX-License-Identifier: Apache-2.0
#include "oomgate/memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "oomgate/process.h"
#include "oomgate/usage.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;

class MemoryTest : public testing::Test {
 protected:
  ~MemoryTest() override { Trace::Release(trace_); }
  // Two pages that begin with 1 and 2.
  int NumberedFile() {
    const int file = MakeMemfd(*trace_, 2 * kPage);
    EXPECT_EQ(pwrite(file, "\1", 1, 0), 1);
    EXPECT_EQ(pwrite(file, "\2", 1, kPage.count), 1);
    return file;
  }
  Trace* trace_ = Trace::Share();
};

TEST_F(MemoryTest, AMemfdHasItsSizeAndNoPageYet) {
  const int file = MakeMemfd(*trace_, 3 * kPage);
  struct stat is = {};
  ASSERT_EQ(fstat(file, &is), 0);
  EXPECT_EQ(is.st_size, (3 * kPage).count);
  EXPECT_EQ(is.st_blocks, 0);
  // Only a memfd with MFD_ALLOW_SEALING can be sealed.
  EXPECT_EQ(ErrnoOf(fcntl(file, F_ADD_SEALS, F_SEAL_GROW)), EPERM);
  close(file);
  const int sealable = MakeMemfd(*trace_, {}, MFD_ALLOW_SEALING);
  EXPECT_EQ(ErrnoOf(fcntl(sealable, F_ADD_SEALS, F_SEAL_GROW)), 0);
  close(sealable);
}

TEST_F(MemoryTest, AMemfdThatIsRefusedEndsTheSubject) {
  EXPECT_NE(RunChild(*trace_, [&] { MakeMemfd(*trace_, kPage, ~0U); }), 0);
  EXPECT_EQ(trace_->Stopped(), "memfd_create: Invalid argument");
}

TEST_F(MemoryTest, AFileIsMappedFromItsOffsetOnBetweenGuards) {
  const int file = NumberedFile();
  const Range all = MapFile(*trace_, file, 2 * kPage, PROT_READ, MAP_SHARED);
  EXPECT_EQ(all.start[0], 1);
  EXPECT_EQ(all.start[kPage.count], 2);
  const Range second =
      MapFile(*trace_, file, kPage, PROT_READ, MAP_PRIVATE, kPage);
  EXPECT_EQ(second.start[0], 2);
  EXPECT_LT(second.reserved, second.start);
  for (const Range& range : {all, second}) Unmap(*trace_, range);
  close(file);
}

TEST_F(MemoryTest, ABareMappingHasNoGuards) {
  const int file = NumberedFile();
  const Range second = MapBare(*trace_, kPage, kRw, MAP_SHARED, file, kPage);
  EXPECT_EQ(second.start[0], 2);
  EXPECT_EQ(second.size, kPage);
  EXPECT_EQ(second.reserved, nullptr);
  Unmap(*trace_, second);
  EXPECT_EQ(ReadMapping(second).mappings, 0);
  close(file);
  EXPECT_NE(RunChild(*trace_,
                     [&] {
                       MapBare(*trace_, 0_B, kRw, MAP_PRIVATE | MAP_ANONYMOUS);
                     }),
            0);
  EXPECT_EQ(trace_->Stopped(), "mmap: Invalid argument");
}

TEST_F(MemoryTest, APartIsMappedOverInItsPlace) {
  const int file = NumberedFile();
  const Range range = MapAnonymous(*trace_, 4 * kPage);
  WritePages(*trace_, range);
  MapOver(*trace_, range.Part(kPage, kPage), PROT_READ, MAP_SHARED, file,
          kPage);
  EXPECT_EQ(range.start[0], 1);  // as WritePages left it
  EXPECT_EQ(range.start[kPage.count], 2);
  EXPECT_EQ(ReadMapping(range).mappings, 3);
  EXPECT_EQ(TryMapOver(range.Part(2 * kPage, kPage), PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS),
            0);
  EXPECT_EQ(TryMapOver(range, kRw, MAP_SHARED, -1), EBADF);
  Unmap(*trace_, range);
  close(file);
  EXPECT_NE(
      RunChild(*trace_, [&] { MapOver(*trace_, range, kRw, MAP_SHARED, -1); }),
      0);
  EXPECT_EQ(trace_->Stopped(), "mmap over a range: Bad file descriptor");
}

TEST_F(MemoryTest, AQuestionLeavesNothingMapped) {
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int memfd = MakeMemfd(*trace_, kPage);
  const Bytes before = StatusField("VmSize");
  EXPECT_EQ(TryMap(64_MiB, kRw, MAP_PRIVATE | MAP_ANONYMOUS), 0);
  EXPECT_EQ(TryMap(kPage, kRw, MAP_SHARED, memfd), 0);
  EXPECT_EQ(StatusField("VmSize"), before);
  EXPECT_EQ(TryMap(kPage, kRw, MAP_SHARED, file), EACCES);
  EXPECT_EQ(TryMap(kPage, kRw, MAP_SHARED), EBADF);
  close(file);
  close(memfd);
}

TEST(Largest, IsTheThreshold) {
  for (const std::int64_t limit : {0, 1, 7, 999, 1000}) {
    EXPECT_EQ(Largest(1000, [&](std::int64_t n) { return n <= limit; }), limit);
  }
}

TEST(Largest, NeverAsksBeyondItsLimitNorMoreThanBisectionNeeds) {
  int asked = 0;
  std::int64_t most = 0;
  std::int64_t least = INT64_MAX;
  const std::int64_t all = Largest(1'000'000, [&](std::int64_t n) {
    ++asked;
    most = std::max(most, n);
    least = std::min(least, n);
    return true;
  });
  EXPECT_EQ(all, 1'000'000);
  EXPECT_EQ(most, 1'000'000);
  EXPECT_GE(least, 1);
  EXPECT_LE(asked, 20);
}

}  // namespace
}  // namespace oomgate
