// SPDX-License-Identifier: Apache-2.0
#include "cases/kit/registry.h"

#include <gmock/gmock.h>

#include "cases/kit/list.h"
#include "oomgate/model/json.h"

namespace oomgate {
namespace {

Case TwoAxes() {
  return {.id = "test/two_axes",
          .summary = "says \"yes\"\\no",
          .blast = Blast::kCgroup,
          .needs = {.memory = 16_MiB, .settings = {{"/proc/sys/vm/x", "1"}}},
          .adjust =
              [](const Params& p, InstanceInfo& instance) {
                if (p["size"] == "2") {
                  instance.needs.swap = 64_MiB;
                  instance.suite = Suite::kNightly;
                }
              },
          .params = {{"size", {"1", "2"}}, {"by", {"a", "b", "c"}}},
          .expect = [](const Params&, const Facts&) { return Survives(); },
          .metrics = {{.name = "x", .kind = Kind::kBounded, .tolerance = 4}}};
}

TEST(MistakeIn, AnIdIsThePathOfItsFile) {
  EXPECT_EQ(MistakeIn(TwoAxes(), "/src/cases/test/two_axes.cc"), "");
  EXPECT_NE(MistakeIn(TwoAxes(), "/src/cases/test/other.cc"), "");
  Case meta = TwoAxes();
  meta.meta = true;
  EXPECT_EQ(MistakeIn(meta, "/src/cases/meta/many.cc"), "");
  meta.id = "meta/two-words";  // '-' means "exclude" in a filter
  EXPECT_NE(MistakeIn(meta, ""), "");
  meta = TwoAxes();
  meta.params[0].values.push_back("50%");
  EXPECT_NE(MistakeIn(meta, "/src/cases/test/two_axes.cc"), "");
}

TEST(InstancesOf, IsEveryCombination) {
  std::vector<std::string> names;
  for (const Params& p : InstancesOf(TwoAxes())) names.push_back(p.ToText());
  EXPECT_THAT(
      names, testing::ElementsAre("by=a,size=1", "by=b,size=1", "by=c,size=1",
                                  "by=a,size=2", "by=b,size=2", "by=c,size=2"));
  EXPECT_EQ(InstancesOf(Case{}).size(), 1U);
}

TEST(ListAsJson, IsWhatTheOutsideReads) {
  const auto infos =
      Json::parse(ListAsJson({TwoAxes()})).get<std::vector<CaseInfo>>();
  ASSERT_EQ(infos.size(), 1U);
  EXPECT_EQ(infos[0].id, "test/two_axes");
  EXPECT_EQ(infos[0].summary, "says \"yes\"\\no");
  EXPECT_EQ(infos[0].blast, Blast::kCgroup);
  EXPECT_EQ(infos[0].metrics, TwoAxes().metrics);
  EXPECT_THAT(infos[0].steps, testing::ElementsAre("two_axes"));
  ASSERT_EQ(infos[0].instances.size(), 6U);
  for (const InstanceInfo& instance : infos[0].instances) {
    InstanceInfo expected = InstanceOf(TwoAxes(), instance.params);
    expected.oracle = "end exited 0";
    EXPECT_EQ(instance, expected);
  }
  EXPECT_EQ(Json::parse(ListAsJson({})), Json::array());
}

}  // namespace
}  // namespace oomgate
