// SPDX-License-Identifier: Apache-2.0
#include "oomgate/cost.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

// A place whose time is instructions.
Facts Instructions(int nanoseconds) {
  Facts facts;
  facts.instruction_ns = nanoseconds;
  return facts;
}
Facts Emulated() {
  Facts facts;
  facts.emulated = true;
  return facts;
}

class SetCostTest : public testing::Test {
 protected:
  ~SetCostTest() override { Trace::Release(trace_); }
  std::map<std::string, std::int64_t> Costs(const Facts& f,
                                            std::vector<CostRound> rounds) {
    SetCost(*trace_, f, rounds);
    return trace_->Values();
  }
  Trace* trace_ = Trace::Share();
};

TEST_F(SetCostTest, CountsInstructionsWhereTimeIsThem) {
  // In the order in which they were measured.
  EXPECT_THAT(
      Costs(Instructions(2), {{500}, {100}, {300}, {220}, {420}}),
      UnorderedElementsAre(Pair("instructions", 150), Pair("spread", 200)));
}

TEST_F(SetCostTest, OneThatIsRepeatedHasNoSpread) {
  EXPECT_THAT(Costs(Instructions(1), {{7}, {7}, {7}}),
              UnorderedElementsAre(Pair("instructions", 7), Pair("spread", 0)));
}

TEST_F(SetCostTest, SetsTimesAndWhatTheyAreInFillsBesideOtherWork) {
  // 20 fills before and 20 after each: a round of the time of one fill is 1000
  // thousandths. Its median is not that of the round with the median time.
  const std::vector<CostRound> rounds = {
      {500, 40 * 500},   // 1000
      {100, 40 * 1000},  // 100
      {300, 40 * 100},   // 3000
      {200, 40 * 250},   // 800
      {400, 40 * 200},   // 2000
  };
  EXPECT_THAT(Costs({}, rounds), UnorderedElementsAre(Pair("time_ns", 300),
                                                      Pair("time_ns_p10", 100),
                                                      Pair("fills", 1000)));
}

TEST_F(SetCostTest, ATenthOfTheRoundsIsFasterThanP10) {
  std::vector<CostRound> rounds;
  for (std::int64_t i = 30; i > 0; --i) rounds.push_back({i * 10, 1});
  const auto costs = Costs({}, rounds);
  EXPECT_EQ(costs.at("time_ns"), 160);
  EXPECT_EQ(costs.at("time_ns_p10"), 40);
}

TEST_F(SetCostTest, AnEmulatedCpuHasNoFills) {
  EXPECT_THAT(
      Costs(Emulated(), {{30}, {10}, {20}}),
      UnorderedElementsAre(Pair("time_ns", 20), Pair("time_ns_p10", 10)));
}

TEST_F(SetCostTest, FillsThatTookNoTimeDoNotDivideByZero) {
  EXPECT_EQ(Costs({}, {{3, 0}}).at("fills"), 3 * 40 * 1000);
}

TEST_F(SetCostTest, SetsOnlyMetricsThatCasesDeclare) {
  std::vector<std::string> declared;
  for (const Metric& metric : CostMetrics()) declared.push_back(metric.name);
  for (const Facts& f : {Facts{}, Instructions(1)}) {
    for (const auto& [name, value] : Costs(f, {{1, 1}})) {
      if (name == "spread") continue;  // tells how sure it is
      EXPECT_THAT(declared, testing::Contains(name));
    }
  }
}

}  // namespace
}  // namespace oomgate
