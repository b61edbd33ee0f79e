// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/file.h"

#include <gmock/gmock.h>

#include "runner/error.h"

namespace oomgate {
namespace {

TEST(KernelFile, AFullDiskIsTheUsersToMend) {
  try {
    SaveBytes("/dev/full", "bytes");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("No space left on device"),
                               testing::HasSubstr("XDG_CACHE_HOME")));
  }
}

TEST(KernelFile, SoIsACacheThatCannotBeWritten) {
  EXPECT_THROW(TemporaryFolder("/proc/oomgate", ".new-"), UserError);
}

}  // namespace
}  // namespace oomgate
