// SPDX-License-Identifier: Apache-2.0
#include "cases/kit/needs.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

TEST(SettingHolds, ComparesWordsAndChoices) {
  EXPECT_TRUE(SettingHolds("2", "2"));
  EXPECT_FALSE(SettingHolds("0", "2"));
  EXPECT_TRUE(SettingHolds("always [madvise] never", "madvise"));
  EXPECT_FALSE(SettingHolds("always [madvise] never", "always"));
  EXPECT_FALSE(SettingHolds("always [madvise] never", "always [madvise]"));
}

TEST(KernelVersion, ReadsReleases) {
  EXPECT_EQ(KernelVersion::Of("6.1.0-56-cloud-amd64"), (KernelVersion{6, 1}));
  EXPECT_EQ(KernelVersion::Of("5.10"), (KernelVersion{5, 10}));
  EXPECT_EQ(KernelVersion::Of("next"), KernelVersion{});
  EXPECT_LT((KernelVersion{5, 19}), (KernelVersion{6, 0}));
}

}  // namespace
}  // namespace oomgate
