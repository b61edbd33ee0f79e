// SPDX-License-Identifier: Apache-2.0
// Readings of this very process.
#include "oomgate/usage.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "oomgate/memory.h"

namespace oomgate {
namespace {

class UsageTest : public testing::Test {
 protected:
  ~UsageTest() override { Trace::Release(trace_); }
  Trace* trace_ = Trace::Share();
};

TEST_F(UsageTest, ARangeIsAlignedGuardedAndEmpty) {
  const Range range = MapAnonymous(*trace_, 8_MiB);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(range.start) %
                static_cast<std::uintptr_t>(kHugePage.count),
            0U);
  EXPECT_LT(range.reserved, range.start);
  EXPECT_GT(range.reserved + range.reserved_size.count, range.end());
  const MappingUsage mapped = ReadMapping(range);
  EXPECT_EQ(mapped.mappings, 1);
  EXPECT_EQ(mapped.rss, 0_B);
  Unmap(*trace_, range);
  EXPECT_EQ(ReadMapping(range).mappings, 0);
}

TEST_F(UsageTest, WritesShowInTheMappingAndTheTrace) {
  const Range range = MapAnonymous(*trace_, 8_MiB);
  WritePages(*trace_, range.Part(2_MiB, 1_MiB));
  const MappingUsage mapped = ReadMapping(range);
  EXPECT_EQ(mapped.rss, 1_MiB);
  EXPECT_EQ(mapped.private_dirty, 1_MiB);
  EXPECT_EQ(mapped.accounted, 0_B);  // MAP_NORESERVE
  EXPECT_EQ(trace_->Values().at("touches"), 256);
  EXPECT_EQ(trace_->Values().at("written"), (1_MiB).count);
  Unmap(*trace_, range);
}

TEST_F(UsageTest, AnAccountedMappingIsSeenAsOne) {
  MapOptions options;
  options.flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const Range range = MapAnonymous(*trace_, 4_MiB, options);
  EXPECT_EQ(ReadMapping(range).accounted, 4_MiB);
  Unmap(*trace_, range);
}

TEST_F(UsageTest, MachineWideFieldsAreThere) {
  EXPECT_GT(Meminfo("MemTotal"), 0_B);
  EXPECT_EQ(Meminfo("NoSuchField"), Bytes{-1});
  EXPECT_GT(Vmstat("pgfault"), 0);
  EXPECT_EQ(Vmstat("pgfaul"), -1);  // a prefix is not the name
  EXPECT_EQ(NumberIn("/proc/no_such_file"), -1);
  EXPECT_GT(ReadAllUsage().accounted, 0_B);
}

TEST_F(UsageTest, PagesInMemoryAreCountedInRangesOfAnySize) {
  const Range range = MapAnonymous(*trace_, 5_MiB);
  EXPECT_EQ(ResidentPages(range), 0);
  WritePages(*trace_, range.Part(0_B, kPage));
  WritePages(*trace_, range.Part(4_MiB, 3 * kPage));
  EXPECT_EQ(ResidentPages(range), 4);
  EXPECT_EQ(ResidentPages(range.Part(4_MiB, 2 * kPage)), 2);
  Unmap(*trace_, range);
  EXPECT_EQ(ResidentPages(range), -ENOMEM);
}

TEST(LargestMap, FindsTheLimitToThePage) {
  // What RLIMIT_AS refuses is as sharp as what overcommit refuses.
  EXPECT_EQ(LargestMap(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 1_MiB), 1_MiB);
}

}  // namespace
}  // namespace oomgate
