// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/config.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

TEST(ReadConfig, TellsOnOffModuleAndValue) {
  const auto config = ReadConfig(
      "# Linux/x86 6.1.0\nCONFIG_NUMA=y\n# CONFIG_KSM is not set\n"
      "CONFIG_ZRAM=m\nCONFIG_MEMCG_KMEM=y\n");
  EXPECT_EQ(config.at("CONFIG_NUMA"), "y");
  EXPECT_EQ(config.at("CONFIG_KSM"), "");
  EXPECT_EQ(config.at("CONFIG_ZRAM"), "m");
  EXPECT_EQ(config.at("CONFIG_MEMCG"), "");
}

TEST(ReadConfig, KnowsNothingWithoutAText) {
  EXPECT_TRUE(ReadConfig("").empty());
}

TEST(ConfigValue, TakesWholeOptionsOnly) {
  EXPECT_EQ(ConfigValue("XCONFIG_A=n\nCONFIG_A=7", "CONFIG_A"), "7");
}

TEST(EmbeddedConfig, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(EmbeddedConfig("IKCFG_ST without an end"), "");
}

}  // namespace
}  // namespace oomgate
