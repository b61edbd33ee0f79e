// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/release.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

TEST(IsOlder, ComparesNumbersByValue) {
  const char* in_order[] = {"5.10.0-46-cloud-amd64",
                            "6.1.0-9-cloud-amd64",
                            "6.1.0-56-cloud-amd64",
                            "6.12.90+deb13-cloud-amd64",
                            "6.12.90+deb13.1-cloud-amd64",
                            "6.12.117+deb13-cloud-amd64",
                            "7.0.0-rc3",
                            "7.0.0-rc10",
                            "7.0.0",
                            "7.0.1"};
  for (std::size_t i = 1; i < std::size(in_order); ++i) {
    EXPECT_TRUE(IsOlder(in_order[i - 1], in_order[i])) << in_order[i];
    EXPECT_FALSE(IsOlder(in_order[i], in_order[i - 1])) << in_order[i];
  }
  EXPECT_FALSE(IsOlder("6.1", "6.1"));
}

TEST(StartsRelease, StopsAtANumber) {
  EXPECT_TRUE(StartsRelease("6.1", "6.1.0-56-cloud-amd64"));
  EXPECT_FALSE(StartsRelease("6.1", "6.12.117"));
  EXPECT_TRUE(StartsRelease("6.12.117+deb", "6.12.117+deb13"));
  EXPECT_TRUE(StartsRelease("6.1", "6.1"));
  EXPECT_FALSE(StartsRelease("", "6.1"));
}

TEST(SeriesOf, IsTheFirstTwoNumbers) {
  EXPECT_EQ(SeriesOf("6.12.117+deb13-cloud-amd64"), "6.12");
  EXPECT_EQ(SeriesOf("6.1-cloud-amd64"), "6.1");
}

}  // namespace
}  // namespace oomgate
