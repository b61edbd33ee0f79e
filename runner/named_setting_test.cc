// SPDX-License-Identifier: Apache-2.0
#include "runner/named_setting.h"

#include <gtest/gtest.h>

#include "runner/error.h"

namespace oomgate {
namespace {

TEST(ParseSetting, KnowsSysctlsHugePagesAndPaths) {
  const auto is = [](const char* text, const char* path, const char* value) {
    EXPECT_EQ(ParseSetting(text), (Setting{path, value})) << text;
  };
  is("vm.overcommit_memory=2", "/proc/sys/vm/overcommit_memory", "2");
  is("thp=never", "/sys/kernel/mm/transparent_hugepage/enabled", "never");
  is("thp.defrag=defer", "/sys/kernel/mm/transparent_hugepage/defrag", "defer");
  is("/sys/kernel/mm/ksm/run=1", "/sys/kernel/mm/ksm/run", "1");
  is("vm.lowmem_reserve_ratio=256 32 0", "/proc/sys/vm/lowmem_reserve_ratio",
     "256 32 0");
}

TEST(ParseSetting, RefusesWhatIsNone) {
  for (const char* text :
       {"", "vm.swappiness", "vm.swappiness=", "=1", "vm swappiness=1",
        "/etc/passwd=1", "/sys/../etc/passwd=1", "vm.swappiness=1\nrun x"}) {
    EXPECT_THROW(ParseSetting(text), UserError) << text;
  }
}

}  // namespace
}  // namespace oomgate
