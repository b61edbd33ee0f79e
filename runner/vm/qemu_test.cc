// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/qemu.h"

#include <gmock/gmock.h>

#include <filesystem>

namespace oomgate {
namespace {

using testing::HasSubstr;

TEST(MissingProfiler, SaysWhyAPluginCannotBeLoaded) {
  const Qemu qemu = FindQemu();
  if (qemu.program.empty()) GTEST_SKIP() << MissingQemu(qemu);
  const auto plugin = std::filesystem::read_symlink("/proc/self/exe")
                          .replace_filename("oomgate-profile.so");
  EXPECT_EQ(MissingProfiler(qemu, plugin), "");
  EXPECT_THAT(MissingProfiler(qemu, ""), HasSubstr("install oomgate again"));
  EXPECT_THAT(
      MissingProfiler(qemu, "/nowhere.so"),
      AllOf(HasSubstr("QEMU " + qemu.version), HasSubstr("nowhere.so")));
}

// A QEMU that was built without plugins does not know the option.
TEST(MissingProfiler, SaysWhatQemuSaid) {
  EXPECT_THAT(
      MissingProfiler({.program = "/bin/false", .version = "0"}, "/x.so"),
      HasSubstr("QEMU 0 does not load plugins"));
}

}  // namespace
}  // namespace oomgate
