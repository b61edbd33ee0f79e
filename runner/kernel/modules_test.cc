// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/modules.h"

#include <gmock/gmock.h>

#include "runner/error.h"
#include "runner/kernel/synthetic_test.h"

namespace oomgate {
namespace {

using namespace synthetic;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Names(const std::vector<Module>& modules) {
  std::vector<std::string> names;
  for (const Module& module : modules) names.push_back(module.name);
  return names;
}

struct LoadModulesTest : testing::Test {
  Folder folder;
  Kernel kernel;

  LoadModulesTest() {
    kernel.release = "6.1.0-1";
    kernel.directory = folder.path();
    kernel.modules = folder.path() / "modules/6.1.0-1";
    std::filesystem::create_directories(kernel.modules);
  }
  void Add(const std::string& path, const std::string& bytes) {
    folder.Write("modules/6.1.0-1/" + path, bytes);
  }
};

TEST_F(LoadModulesTest, DependenciesComeFirstAndOnce) {
  Add("kernel/drivers/block/virtio_blk.ko",
      MakeModule("virtio_blk", "virtio_ring,virtio"));
  Add("kernel/drivers/virtio/virtio.ko", MakeModule("virtio"));
  Add("kernel/drivers/virtio/virtio_ring.ko",
      MakeModule("virtio_ring", "virtio"));
  EXPECT_THAT(Names(LoadModules(kernel, {"virtio_blk", "virtio"})),
              ElementsAre("virtio", "virtio_ring", "virtio_blk"));
}

TEST_F(LoadModulesTest, EveryCompressionIsUndone) {
  const std::string module = MakeModule("zram", "a,b,c");
  Add("kernel/zram.ko", module);
  Add("kernel/a.ko.xz", Compress(MakeModule("a"), ARCHIVE_FILTER_XZ));
  Add("kernel/b.ko.zst", Compress(MakeModule("b"), ARCHIVE_FILTER_ZSTD));
  Add("kernel/c.ko.gz", Compress(MakeModule("c"), ARCHIVE_FILTER_GZIP));
  const auto modules = LoadModules(kernel, {"zram"});
  ASSERT_THAT(Names(modules), ElementsAre("a", "b", "c", "zram"));
  EXPECT_EQ(modules[0].bytes, MakeModule("a"));
  EXPECT_EQ(modules[1].bytes, MakeModule("b"));
  EXPECT_EQ(modules[2].bytes, MakeModule("c"));
  EXPECT_EQ(modules[3].bytes, module);
}

TEST_F(LoadModulesTest, DashAndUnderscoreAreTheSame) {
  Add("kernel/crc-itu-t.ko", MakeModule("crc_itu_t"));
  Add("kernel/user.ko", MakeModule("user", "crc-itu-t"));
  EXPECT_THAT(Names(LoadModules(kernel, {"user", "crc-itu-t"})),
              ElementsAre("crc_itu_t", "user"));
}

TEST_F(LoadModulesTest, SoftDependenciesMayBeAbsent) {
  Add("kernel/ext4.ko", MakeModule("ext4", "", "pre: crc32c absent post: z"));
  Add("kernel/crc32c.ko", MakeModule("crc32c"));
  Add("kernel/z.ko", MakeModule("z"));
  EXPECT_THAT(Names(LoadModules(kernel, {"ext4"})),
              ElementsAre("crc32c", "ext4"));
}

TEST_F(LoadModulesTest, WhatIsBuiltInIsLeftOut) {
  Add("modules.builtin", "kernel/drivers/virtio/virtio-pci.ko\n");
  EXPECT_THAT(LoadModules(kernel, {"virtio_pci"}), IsEmpty());
  EXPECT_THAT(MessageOf<UserError>([&] { LoadModules(kernel, {"zram"}); }),
              AllOf(HasSubstr("6.1.0-1"), HasSubstr("zram")));
}

TEST_F(LoadModulesTest, WithoutModulesTheConfigurationTells) {
  kernel.modules.clear();
  folder.Write("config",
               "CONFIG_VIRTIO_BLK=y\nCONFIG_BLK_DEV_NVME=y\nCONFIG_ZRAM=m\n");
  EXPECT_THAT(LoadModules(kernel, {"virtio_blk", "nvme"}), IsEmpty());
  EXPECT_THAT(MessageOf<UserError>([&] { LoadModules(kernel, {"zram"}); }),
              HasSubstr("zram"));
}

TEST_F(LoadModulesTest, WithoutEitherTheErrorSaysWhatToAdd) {
  kernel.modules.clear();
  kernel.source = "/somewhere/vmlinux";
  EXPECT_THAT(
      MessageOf<UserError>([&] { LoadModules(kernel, {"virtio_blk"}); }),
      AllOf(HasSubstr("/somewhere/vmlinux"), HasSubstr(".config")));
}

TEST_F(LoadModulesTest, MissingDependencyNamesBoth) {
  Add("kernel/zram.ko", MakeModule("zram", "zsmalloc"));
  EXPECT_THAT(MessageOf<UserError>([&] { LoadModules(kernel, {"zram"}); }),
              AllOf(HasSubstr("zsmalloc"), HasSubstr("zram needs")));
}

TEST_F(LoadModulesTest, DamagedModuleIsNamed) {
  Add("kernel/zram.ko", "no module");
  EXPECT_THAT(MessageOf<UserError>([&] { LoadModules(kernel, {"zram"}); }),
              HasSubstr("zram is damaged"));
  Add("kernel/a.ko.xz",
      Compress(MakeModule("a"), ARCHIVE_FILTER_XZ).substr(0, 40));
  EXPECT_THAT(MessageOf<UserError>([&] { LoadModules(kernel, {"a"}); }),
              HasSubstr("a.ko.xz"));
}

TEST(IsForGuests, LeavesOutWhatNoGuestHas) {
  EXPECT_TRUE(IsForGuests("drivers/block/virtio_blk.ko"));
  EXPECT_TRUE(IsForGuests("drivers/nvme/host/nvme.ko.xz"));
  EXPECT_FALSE(IsForGuests("drivers/gpu/drm/drm.ko"));
  EXPECT_FALSE(IsForGuests("net/ipv4/tunnel4.ko"));
}

}  // namespace
}  // namespace oomgate
