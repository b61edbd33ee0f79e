// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/template_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "runner/error.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

class TemplateStoreTest : public testing::Test {
 protected:
  Template AddOne(TemplateStore& store, const std::string& key) {
    return store.Add(key, [&](const fs::path& folder) {
      SaveBytes(folder / "ram0", "ram of " + key);
      fs::resize_file(folder / "ram0", 1 << 20);  // the rest is a hole
      SaveBytes(folder / "state", "state");
    });
  }
  std::size_t Entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(root_), {}));
  }

  const TemporaryFolder folder_{testing::TempDir(), "templates-"};
  const fs::path root_ = folder_.path() / "store";
  TemplateStore store_{root_};
};

TEST_F(TemplateStoreTest, IsFoundByItsKeyOnly) {
  EXPECT_FALSE(store_.Find("a"));
  AddOne(store_, "a");
  const auto found = store_.Find("a");
  ASSERT_TRUE(found);
  EXPECT_EQ(LoadBytes(found->folder() / "state"), "state");
  EXPECT_FALSE(store_.Find("b"));
  EXPECT_EQ(store_.Count(), 1);
}

TEST_F(TemplateStoreTest, ADamagedOneIsRemoved) {
  const std::vector<std::function<void(const fs::path&)>> damages = {
      [](const fs::path& at) {
        std::fstream file(at / "ram0", std::ios::in | std::ios::out);
        file.seekp(500000);
        file.put('x');
      },
      [](const fs::path& at) { fs::resize_file(at / "ram0", 1 << 19); },
      [](const fs::path& at) { fs::remove(at / "state"); },
      [](const fs::path& at) { SaveBytes(at / "more", ""); },
      [](const fs::path& at) { SaveBytes(at / "seal.json", "{"); },
      [](const fs::path& at) { fs::remove(at / "seal.json"); },
  };
  for (const auto& damage : damages) {
    const fs::path at = AddOne(store_, "a").folder();
    ASSERT_TRUE(store_.Find("a"));
    damage(at);
    EXPECT_FALSE(store_.Find("a"));
    EXPECT_FALSE(fs::exists(at));
  }
}

TEST_F(TemplateStoreTest, NothingStaysOfOneThatCouldNotBeMade) {
  EXPECT_THROW(store_.Add("a",
                          [](const fs::path& folder) {
                            SaveBytes(folder / "ram0", "half");
                            throw HarnessError("died");
                          }),
               HarnessError);
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(TemplateStoreTest, WhatWasCutOffIsSweptByTheNext) {
  fs::create_directories(root_ / ".new-abcdef");
  SaveBytes(root_ / ".new-abcdef/ram0", "half");
  AddOne(store_, "a");
  EXPECT_EQ(Entries(), 1U);
}

TEST_F(TemplateStoreTest, TheLeastRecentlyUsedGoFirst) {
  AddOne(store_, "a");
  const Bytes one = store_.Size();
  TemplateStore small(root_, one * 2);
  AddOne(small, "b");
  fs::last_write_time(small.Find("b")->folder() / "seal.json",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  AddOne(small, "c");
  EXPECT_TRUE(small.Find("a"));
  EXPECT_FALSE(small.Find("b"));
  EXPECT_TRUE(small.Find("c"));
}

TEST_F(TemplateStoreTest, WhatIsInUseStays) {
  {
    const Template used = AddOne(store_, "a");
    store_.Clean();
    EXPECT_EQ(store_.Count(), 1);
    // Condemned, it is only for those who have it.
    store_.Condemn("a");
    EXPECT_TRUE(fs::exists(used.folder() / "ram0"));
    EXPECT_FALSE(store_.Find("a"));
  }
  store_.Clean();
  EXPECT_EQ(Entries(), 0U);
}

}  // namespace
}  // namespace oomgate
