// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/config_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomgate {
namespace {

constexpr const char* kGood =
    "# Automatically generated\n"
    "CONFIG_CC_VERSION_TEXT=\"gcc 12\"\n"
    "CONFIG_NUMA=y\n"
    "CONFIG_HZ=250\n"
    "# CONFIG_KSM is not set\n"
    "CONFIG_GONE=y\n";
constexpr const char* kBad =
    "CONFIG_CC_VERSION_TEXT=\"gcc 13\"\n"
    "# CONFIG_NUMA is not set\n"
    "CONFIG_HZ=250\n"
    "CONFIG_KSM=y\n"
    "CONFIG_NEW=\"a=b\"\n";

TEST(ConfigOptions, AreReadAndWrittenAsTheyAre) {
  const ConfigOptions options = ParseConfigOptions(kBad);
  EXPECT_EQ(options.at("CONFIG_NUMA"), "n");
  EXPECT_EQ(options.at("CONFIG_NEW"), "\"a=b\"");
  EXPECT_EQ(ParseConfigOptions(ConfigText(options)), options);
}

TEST(ConfigOptions, DifferButForWhatTheCompilerTells) {
  const ConfigOptions good = ParseConfigOptions(kGood);
  const ConfigOptions bad = ParseConfigOptions(kBad);
  const auto changes = ConfigChangesBetween(good, bad);
  EXPECT_EQ(
      ToText(changes, {0, 1, 2, 3}, 9),
      "without CONFIG_GONE CONFIG_KSM=y CONFIG_NEW=\"a=b\" CONFIG_NUMA=n");
  EXPECT_EQ(ToText(changes, {0, 1, 2, 3}, 1),
            "without CONFIG_GONE … (4 options)");
  EXPECT_EQ(WithChanges(good, changes, {}), good);
  ConfigOptions all = WithChanges(good, changes, {0, 1, 2, 3});
  all["CONFIG_CC_VERSION_TEXT"] = bad.at("CONFIG_CC_VERSION_TEXT");
  EXPECT_EQ(all, bad);
}

}  // namespace
}  // namespace oomgate
