// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/setting_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::ElementsAre;

std::vector<std::string> Texts(const std::vector<SettingChange>& changes) {
  std::vector<std::string> texts;
  for (const SettingChange& change : changes) texts.push_back(ToText(change));
  return texts;
}

TEST(SettingSet, KnowsWhatDiffersWhateverItIsCalled) {
  const SettingSet good = ParseSettings(
      "thp=always vm.swappiness=10\nvm.overcommit_memory=0 cmdline:quiet");
  const SettingSet bad = ParseSettings(
      "/sys/kernel/mm/transparent_hugepage/enabled=never vm.swappiness=10 "
      "cmdline:quiet cmdline:slab_nomerge");
  EXPECT_THAT(Texts(ChangesBetween(good, bad)),
              ElementsAre("without vm.overcommit_memory=0",
                          "/sys/kernel/mm/transparent_hugepage/enabled=never",
                          "cmdline:slab_nomerge"));
}

TEST(SettingSet, MakesChangesOneByOne) {
  const SettingSet good = ParseSettings("thp=always vm.swappiness=10");
  const SettingSet bad = ParseSettings("thp=never cmdline:a=1");
  const auto changes = ChangesBetween(good, bad);
  EXPECT_EQ(WithChanges(good, changes, {}), good);
  EXPECT_EQ(WithChanges(good, changes, {0, 1, 2}), bad);
}

TEST(SettingSet, GivesAGuestFilesAndACommandLine) {
  const GuestSettings guest =
      ForGuest(ParseSettings("cmdline:b=2 thp=never cmdline:a"));
  EXPECT_EQ(guest.command_line, "a b=2");
  EXPECT_THAT(guest.files,
              ElementsAre(Setting{"/sys/kernel/mm/transparent_hugepage/enabled",
                                  "never"}));
}

TEST(SettingSet, RefusesWhatIsSetTwiceOrNotAtAll) {
  EXPECT_THROW(ParseSettings("vm.swappiness=1 vm.swappiness=2"), UserError);
  EXPECT_THROW(ParseSettings("cmdline:"), UserError);
  EXPECT_THROW(ParseSettings("never"), UserError);
}

}  // namespace
}  // namespace oomgate
