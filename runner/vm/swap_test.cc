// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/swap.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/error.h"

namespace oomgate {
namespace {

TEST(MakeDisk, HasItsSpaceBeforeTheGuestRuns) {
  const std::string path =
      testing::TempDir() + "/oomgate-swap-" + std::to_string(::getpid());
  MakeDisk(path, 1_MiB);
  struct stat file {};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_size, 1 << 20);
  EXPECT_GE(file.st_blocks * 512, 1 << 20);
  ::unlink(path.c_str());
}

TEST(MakeDisk, SaysWhatCannotBeMade) {
  EXPECT_THROW(MakeDisk("/no/such/folder/swap.raw", 1_MiB), UserError);
}

}  // namespace
}  // namespace oomgate
