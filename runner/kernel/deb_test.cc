// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/deb.h"

#include <gmock/gmock.h>

#include "runner/error.h"
#include "runner/kernel/synthetic_test.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using namespace synthetic;
using testing::HasSubstr;

TEST(Deb, GivesImageConfigurationAndModules) {
  const Folder folder;
  for (const int filter :
       {ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_GZIP}) {
    const std::string deb = MakeDeb(
        "linux-image-6.1.0", "6.1.1-1",
        {{"./boot/vmlinuz-6.1.0", "image"},
         {"./boot/config-6.1.0", "config"},
         {"./boot/System.map-6.1.0", "map"},
         {"./usr/lib/modules/6.1.0/modules.builtin", "builtin"},
         {"./usr/lib/modules/6.1.0/kernel/mm/zsmalloc.ko.xz", "zsmalloc"},
         {"./usr/lib/modules/6.1.0/kernel/sound/beep.ko", "beep"},
         {"./usr/share/doc/changelog.gz", "text"}},
        "amd64", filter);
    const fs::path root = folder.path() / std::to_string(filter);
    ASSERT_TRUE(IsDeb(deb));
    ExtractKernelDeb("f", deb, root);
    EXPECT_EQ(LoadBytes(root / "boot/vmlinuz-6.1.0"), "image");
    EXPECT_EQ(LoadBytes(root / "boot/config-6.1.0"), "config");
    const fs::path modules = root / "lib/modules/6.1.0";
    EXPECT_EQ(LoadBytes(modules / "modules.builtin"), "builtin");
    EXPECT_EQ(LoadBytes(modules / "kernel/mm/zsmalloc.ko.xz"), "zsmalloc");
    EXPECT_FALSE(fs::exists(modules / "kernel/sound"));
    EXPECT_FALSE(fs::exists(root / "boot/System.map-6.1.0"));
    EXPECT_FALSE(fs::exists(root / "usr"));
  }
}

TEST(Deb, StaysBelowTheFolder) {
  const Folder folder;
  const std::string deb =
      MakeDeb("p", "1",
              {{"./lib/modules/6.1.0/kernel/../../../../../out.ko", "x"},
               {"boot/vmlinuz-/../../../out", "x"}});
  ExtractKernelDeb("f", deb, folder.path() / "a/b");
  for (const auto& file : fs::recursive_directory_iterator(folder.path())) {
    EXPECT_FALSE(file.is_regular_file()) << file.path();
  }
}

TEST(Deb, SaysWhatItIs) {
  const DebControl control =
      ReadDebControl("f", MakeDeb("linux-image-6.1.0", "6.1.1-1", {}, "arm64"));
  EXPECT_EQ(control.package, "linux-image-6.1.0");
  EXPECT_EQ(control.version, "6.1.1-1");
  EXPECT_EQ(control.architecture, "arm64");
}

TEST(Deb, TruncatedOneIsNamed) {
  const Folder folder;
  std::string deb = MakeDeb("p", "1", {{"boot/vmlinuz-6.1.0", "image"}});
  deb.resize(deb.size() - 60);
  EXPECT_THAT(MessageOf<UserError>(
                  [&] { ExtractKernelDeb("my.deb", deb, folder.path()); }),
              HasSubstr("my.deb"));
}

}  // namespace
}  // namespace oomgate
