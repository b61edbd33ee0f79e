// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/store.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <chrono>

#include "runner/error.h"
#include "runner/kernel/synthetic_test.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using namespace synthetic;
using testing::AllOf;
using testing::HasSubstr;

struct StoreTest : testing::Test {
  Folder folder;
  fs::path root = folder.path() / "cache/kernels";
  KernelStore store{root, folder.path() / "etc"};

  std::string Complaint(const std::string& text) {
    return MessageOf<UserError>([&] { store.Resolve(text); });
  }
  Kernel AddImage(const std::string& release) {
    return store.Add(folder.Write("in/" + release, MakeBzImage(release)));
  }
  int EntriesOnDisk() {
    return static_cast<int>(std::distance(fs::directory_iterator(root), {}));
  }
};

TEST_F(StoreTest, KeepsAnImage) {
  const fs::path file = folder.Write("vmlinuz-6.1.0", MakeBzImage("6.1.0"));
  folder.Write("config-6.1.0", "CONFIG_NUMA=y\n");
  const Kernel kernel = store.Add(file);
  fs::remove(file);
  EXPECT_EQ(kernel.release, "6.1.0");
  EXPECT_EQ(kernel.source, file.string());
  EXPECT_EQ(kernel.directory.parent_path(), root);
  EXPECT_EQ(kernel.directory.filename(), "6.1.0-" + kernel.digest.substr(0, 8));
  EXPECT_EQ(kernel.image, kernel.directory / "vmlinux");
  EXPECT_EQ(Digest(LoadBytes(kernel.image)), kernel.digest);
  EXPECT_EQ(kernel.config.at("CONFIG_NUMA"), "y");
  EXPECT_EQ(kernel.modules, "");
  ASSERT_EQ(store.List().size(), 1u);
  EXPECT_EQ(store.List()[0].config, kernel.config);
  EXPECT_EQ(EntriesOnDisk(), 1);
}

TEST_F(StoreTest, ListsTheOldestFirst) {
  for (const char* release : {"6.12.117", "5.10.0", "6.12.90", "6.1.0"}) {
    AddImage(release);
  }
  std::vector<std::string> releases;
  for (const Kernel& k : store.List()) releases.push_back(k.release);
  EXPECT_THAT(releases,
              testing::ElementsAre("5.10.0", "6.1.0", "6.12.90", "6.12.117"));
}

TEST_F(StoreTest, ResolvesWhatUsersWrite) {
  EXPECT_THAT(Complaint(""), HasSubstr("oomgate kernel fetch debian:6.1"));
  EXPECT_THAT(Complaint("6.12"), HasSubstr("oomgate kernel fetch debian:6.12"));
  const Kernel newest = AddImage("6.12.117");
  EXPECT_EQ(store.Resolve("").release, "6.12.117");
  AddImage("6.1.0-9");
  AddImage("6.1.0-56");
  EXPECT_EQ(store.Resolve("").release, "6.1.0-56");
  EXPECT_EQ(store.Resolve("6.1").release, "6.1.0-56");
  EXPECT_EQ(store.Resolve("6.1.0-9").release, "6.1.0-9");
  EXPECT_EQ(store.Resolve(newest.directory.filename()).release, "6.12.117");
  const fs::path file = folder.Write("vmlinuz", MakeBzImage("6.9.0"));
  EXPECT_EQ(store.Resolve(file).release, "6.9.0");
  EXPECT_THAT(Complaint("5.4"),
              AllOf(HasSubstr("6.1.0-56"), HasSubstr("oomgate kernel add")));
  EXPECT_THAT(Complaint("/no/such/file"), HasSubstr("no such file"));
}

TEST_F(StoreTest, SameReleaseBuiltAgainIsAnotherKernel) {
  const Kernel one = AddImage("7.0.0-rc1");
  const Kernel two = store.Add(folder.Write(
      "again", MakeBzImage("7.0.0-rc1", Make(Vmlinux{.release = "7.0.0-rc1 "
                                                                "(other)"}))));
  EXPECT_NE(one.directory, two.directory);
  EXPECT_EQ(store.List().size(), 2u);
}

TEST_F(StoreTest, AddingAgainChangesNothing) {
  const Kernel one = AddImage("6.1.0");
  const auto time = fs::last_write_time(one.image);
  EXPECT_EQ(AddImage("6.1.0").directory, one.directory);
  EXPECT_EQ(fs::last_write_time(one.image), time);
  EXPECT_EQ(EntriesOnDisk(), 1);
}

TEST_F(StoreTest, DamagedEntriesAreLeftOutAndAddingRepairs) {
  const Kernel kernel = AddImage("6.1.0");
  const std::string image = LoadBytes(kernel.image);
  const std::string json = LoadBytes(kernel.directory / "kernel.json");
  const auto damage = [&](const fs::path& file, const std::string& bytes) {
    SaveBytes(file, bytes);
    fs::last_write_time(file, fs::file_time_type{});
    EXPECT_TRUE(store.List().empty()) << file;
    EXPECT_EQ(AddImage("6.1.0").directory, kernel.directory);
    EXPECT_EQ(LoadBytes(kernel.image), image);
    EXPECT_EQ(store.List().size(), 1u) << file;
    EXPECT_EQ(EntriesOnDisk(), 1);
  };
  damage(kernel.image, image.substr(0, 100));
  std::string changed = image;
  changed.back() ^= 1;
  damage(kernel.image, changed);
  damage(kernel.directory / "kernel.json", "");
  damage(kernel.directory / "kernel.json", json.substr(0, 50));
  damage(kernel.directory / "kernel.json", "{\"format\": 99}");
  // A copy of the cache has other times, and is whole.
  fs::last_write_time(kernel.image, fs::file_time_type{});
  EXPECT_EQ(store.List().size(), 1u);
}

TEST_F(StoreTest, UnfinishedEntriesAreNoKernels) {
  const Kernel kernel = AddImage("6.1.0");
  const fs::path left = root / ".new-killed";
  fs::copy(kernel.directory, left, fs::copy_options::recursive);
  EXPECT_EQ(store.List().size(), 1u);
  AddImage("6.2.0");
  EXPECT_TRUE(fs::exists(left)) << "may belong to a process that runs";
  fs::last_write_time(
      left, fs::file_time_type::clock::now() - std::chrono::hours(25));
  AddImage("6.3.0");
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(StoreTest, FailedAddLeavesNothing) {
  const fs::path file = folder.Write("f", MakeBzImage("6.1.0").substr(0, 1200));
  EXPECT_THAT(MessageOf<UserError>([&] { store.Add(file); }),
              AllOf(HasSubstr(file.string()), HasSubstr("truncated")));
  EXPECT_TRUE(store.List().empty());
  EXPECT_FALSE(fs::exists(root) && EntriesOnDisk() != 0);
}

TEST_F(StoreTest, TakesOnePackage) {
  const fs::path deb = folder.Write(
      "linux-image.deb",
      MakeDeb("linux-image-6.1.0", "6.1.1-1",
              {{"./boot/vmlinuz-6.1.0", MakeBzImage("6.1.0")},
               {"./boot/config-6.1.0", "CONFIG_ZRAM=m\n"},
               {"./lib/modules/6.1.0/modules.builtin", "kernel/virtio.ko\n"},
               {"./lib/modules/6.1.0/kernel/drivers/block/zram.ko",
                MakeModule("zram", "virtio")}}));
  const Kernel kernel = store.Add(deb);
  EXPECT_EQ(kernel.source, deb.string());
  EXPECT_EQ(kernel.modules, kernel.directory / "modules/6.1.0");
  EXPECT_EQ(kernel.config.at("CONFIG_ZRAM"), "m");
  ASSERT_EQ(LoadModules(kernel, {"zram"}).size(), 1u);
  EXPECT_EQ(store.Add(deb).directory, kernel.directory);
}

TEST_F(StoreTest, TakesAFolderOfPackagesThatBelongTogether) {
  const std::string modules = "./usr/lib/modules/7.3.4/";
  folder.Write("debs/linux-binary.deb",
               MakeDeb("linux-binary-7.3.4", "7.3.4-1",
                       {{modules + "vmlinuz", MakeBzImage("7.3.4")}}));
  folder.Write("debs/linux-base.deb",
               MakeDeb("linux-base-7.3.4", "7.3.4-1",
                       {{modules + "config", "CONFIG_ZRAM=m\n"},
                        {modules + "modules.builtin", ""}}));
  folder.Write("debs/linux-modules.deb",
               MakeDeb("linux-modules-7.3.4", "7.3.4-1",
                       {{modules + "kernel/zram.ko", MakeModule("zram")}}));
  const Kernel kernel = store.Add(folder.path() / "debs");
  EXPECT_EQ(kernel.release, "7.3.4");
  EXPECT_EQ(kernel.config.at("CONFIG_ZRAM"), "m");
  EXPECT_EQ(LoadModules(kernel, {"zram"}).size(), 1u);

  folder.Write("debs/other.deb",
               MakeDeb("linux-image-6.1.0", "6.1.1-1",
                       {{"./boot/vmlinuz-6.1.0", MakeBzImage("6.1.0")}}));
  EXPECT_THAT(MessageOf<UserError>([&] { store.Add(folder.path() / "debs"); }),
              AllOf(HasSubstr("2 kernels"), HasSubstr("6.1.0, 7.3.4")));
}

TEST_F(StoreTest, RefusesPackagesWithoutAKernel) {
  EXPECT_THAT(
      MessageOf<UserError>([&] {
        store.Add(folder.Write(
            "m.deb",
            MakeDeb("linux-modules-6.1.0", "1",
                    {{"./lib/modules/6.1.0/kernel/a.ko", MakeModule("a")}})));
      }),
      AllOf(HasSubstr("m.deb"), HasSubstr("no kernel in it")));
  EXPECT_THAT(
      MessageOf<UserError>([&] {
        store.Add(folder.Write("a.deb", MakeDeb("p", "1", {}, "arm64")));
      }),
      AllOf(HasSubstr("a.deb"), HasSubstr("arm64")));
  EXPECT_THAT(MessageOf<UserError>([&] {
                store.Add(folder.Write("t.deb", "!<arch>\ndebian-binary"));
              }),
              HasSubstr("t.deb"));
}

TEST_F(StoreTest, TakesABuildTree) {
  folder.Write("linux/arch/x86/boot/bzImage", MakeBzImage("7.0.0-rc1+"));
  folder.Write("linux/include/config/kernel.release", "7.0.0-rc1+\n");
  folder.Write("linux/.config", "CONFIG_NUMA=y\n");
  folder.Write("linux/modules.builtin", "kernel/virtio.ko\n");
  folder.Write("linux/modules.order",
               "mm/zsmalloc.o\ndrivers/net/tun.o\nkernel/drivers/zram.ko\n");
  folder.Write("linux/mm/zsmalloc.ko", MakeModule("zsmalloc"));
  folder.Write("linux/drivers/net/tun.ko", MakeModule("tun"));
  folder.Write("linux/drivers/zram.ko", MakeModule("zram", "zsmalloc"));
  const fs::path tree = folder.path() / "linux";
  const Kernel kernel = store.Add(tree);
  EXPECT_EQ(kernel.release, "7.0.0-rc1+");
  EXPECT_EQ(kernel.config.at("CONFIG_NUMA"), "y");
  EXPECT_EQ(LoadModules(kernel, {"zram", "virtio"}).size(), 2u);
  EXPECT_NE(MessageOf<UserError>([&] { LoadModules(kernel, {"tun"}); }), "");
  // The image alone finds its tree.
  EXPECT_EQ(store.Add(tree / "arch/x86/boot/bzImage").directory,
            kernel.directory);
  // A module that was built again counts.
  folder.Write("linux/mm/zsmalloc.ko", MakeModule("zsmalloc", "virtio"));
  const Kernel again = store.Add(tree);
  EXPECT_EQ(LoadModules(again, {"zsmalloc"}).at(0).bytes,
            MakeModule("zsmalloc", "virtio"));
  EXPECT_EQ(store.List().size(), 1u);
}

TEST_F(StoreTest, TakesTheNewerImageOfABuildTree) {
  const fs::path bz =
      folder.Write("linux/arch/x86/boot/bzImage", MakeBzImage("7.0.0-rc1"));
  folder.Write("linux/vmlinux", Make(Vmlinux{.release = "7.0.0-rc2"}));
  fs::last_write_time(bz,
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(store.Add(folder.path() / "linux").release, "7.0.0-rc2");
  fs::last_write_time(bz,
                      fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(store.Add(folder.path() / "linux").release, "7.0.0-rc1");
}

TEST_F(StoreTest, SaysWhatToBuild) {
  folder.Write("linux/Kconfig", "");
  folder.Write("linux/Kbuild", "");
  EXPECT_THAT(MessageOf<UserError>([&] { store.Add(folder.path() / "linux"); }),
              HasSubstr("make bzImage modules"));
}

TEST_F(StoreTest, FindsTheModulesOfAnInstalledKernel) {
  const fs::path image =
      folder.Write("root/boot/vmlinuz-6.1.0", MakeBzImage("6.1.0"));
  folder.Write("root/boot/config-6.1.0", "CONFIG_NUMA=y\n");
  folder.Write("root/lib/modules/6.1.0/kernel/zram.ko", MakeModule("zram"));
  for (const fs::path& path : {image, folder.path() / "root"}) {
    const Kernel kernel = store.Add(path);
    EXPECT_EQ(kernel.config.at("CONFIG_NUMA"), "y");
    EXPECT_EQ(LoadModules(kernel, {"zram"}).size(), 1u);
  }
  const fs::path moved =
      folder.Write("root/lib/modules/6.1.0/vmlinuz", MakeBzImage("6.1.0"));
  EXPECT_EQ(LoadModules(store.Add(moved), {"zram"}).size(), 1u);
}

TEST_F(StoreTest, ImageAloneDoesNotReplaceOneWithModules) {
  folder.Write("root/boot/vmlinuz-6.1.0", MakeBzImage("6.1.0"));
  folder.Write("root/lib/modules/6.1.0/kernel/zram.ko", MakeModule("zram"));
  store.Add(folder.path() / "root");
  const Kernel kernel = AddImage("6.1.0");
  EXPECT_EQ(LoadModules(kernel, {"zram"}).size(), 1u);
}

TEST(DefaultRoot, FollowsTheSpecification) {
  const char* before = std::getenv("XDG_CACHE_HOME");
  const std::string saved = before != nullptr ? before : "";
  ::setenv("XDG_CACHE_HOME", "/somewhere", 1);
  EXPECT_EQ(KernelStore::DefaultRoot(), "/somewhere/oomgate/kernels");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_THAT(KernelStore::DefaultRoot().string(),
              testing::EndsWith("/.cache/oomgate/kernels"));
  before != nullptr ? ::setenv("XDG_CACHE_HOME", saved.c_str(), 1)
                    : ::unsetenv("XDG_CACHE_HOME");
}

TEST(CachedKernels, GiveTheModulesThatGuestsNeed) {
  const std::vector<Kernel> kernels = KernelStore().List();
  bool tried = false;
  for (const Kernel& kernel : kernels) {
    if (!kernel.source.starts_with("debian:")) continue;
    tried = true;
    EXPECT_TRUE(kernel.pvh) << kernel.release;
    EXPECT_EQ(kernel.config.at("CONFIG_NUMA"), "y") << kernel.release;
    EXPECT_GE(LoadModules(kernel, {"virtio_blk", "virtio_pci"}).size(), 1u);
    EXPECT_EQ(LoadModules(kernel, {"zram"}).back().name, "zram");
  }
  if (!tried) {
    GTEST_SKIP() << "no kernel from Debian in " << KernelStore::DefaultRoot()
                 << ": run `oomgate kernel fetch debian:6.1`";
  }
}

}  // namespace
}  // namespace oomgate
