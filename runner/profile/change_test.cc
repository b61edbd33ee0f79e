// SPDX-License-Identifier: Apache-2.0
#include "runner/profile/change.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Profile Of(std::map<std::string, std::uint64_t> functions) {
  return {.instance = "a/b[c=d]",
          .shape = "vm-256m-1cpu-instructions",
          .kernel = "6.1",
          .scope = "deed",
          .functions = std::move(functions)};
}

std::vector<std::string> Names(const std::vector<FunctionChange>& changes) {
  std::vector<std::string> names;
  for (const FunctionChange& change : changes) names.push_back(change.function);
  return names;
}

TEST(Changes, LargestFirstWhateverItsSign) {
  const auto changes = Changes(
      Of({{"same", 5}, {"less", 900}, {"more", 10}, {"gone", 7}, {"z", 1}}),
      Of({{"same", 5}, {"less", 100}, {"more", 30}, {"new", 7}, {"z", 2}}));
  EXPECT_EQ(Names(changes),
            (std::vector<std::string>{"less", "more", "gone", "new", "z"}));
  EXPECT_EQ(changes[0].change(), -800);
  EXPECT_EQ(changes[2].now, 0U);
  EXPECT_EQ(changes[3].before, 0U);
}

TEST(ChangeTable, ShowsWhereItWent) {
  const std::string table = ChangeTable(
      Of({{"clear_page", 1000}, {"b", 50}, {"c", 3}, {"same", 9}}),
      Of({{"clear_page", 1500}, {"b", 40}, {"d", 4}, {"same", 9}}), 2);
  EXPECT_THAT(table, HasSubstr("a/b[c=d]\n"));
  EXPECT_THAT(table, HasSubstr("instructions of the measured deed"));
  EXPECT_THAT(table, ContainsRegex("all +1062 +1553 +\\+491 +\\+46.23 %\n"));
  EXPECT_THAT(table,
              ContainsRegex("clear_page +1000 +1500 +\\+500 +\\+50.00 %\n"));
  EXPECT_THAT(table, ContainsRegex("b +50 +40 +-10 +-20.00 %\n"));
  EXPECT_THAT(table, ContainsRegex("2 more that differ +3 +4 +\\+1 "));
  EXPECT_THAT(table, Not(HasSubstr("same")));
}

TEST(ChangeTable, PercentOnlyWhereTheyAreReadable) {
  const std::string table =
      ChangeTable(Of({{"gone", 5}, {"little", 3}, {"ten", 10}}),
                  Of({{"new", 6}, {"little", 600}, {"ten", 20}}), 9);
  EXPECT_THAT(table, ContainsRegex("gone +5 +0 +-5 +gone\n"));
  EXPECT_THAT(table, ContainsRegex("new +0 +6 +\\+6 +new\n"));
  EXPECT_THAT(table, ContainsRegex("little +3 +600 +\\+597 +x 200\n"));
  EXPECT_THAT(table, ContainsRegex("ten +10 +20 +\\+10 +\\+100.00 %\n"));
}

TEST(ChangeTable, SaysThatNothingDiffers) {
  EXPECT_THAT(
      ChangeTable(Of({{"f", 4}, {"g", 5}}), Of({{"f", 4}, {"g", 5}}), 9),
      HasSubstr("no function differs: 9 instructions\n"));
}

}  // namespace
}  // namespace oomgate
