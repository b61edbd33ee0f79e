// SPDX-License-Identifier: Apache-2.0
#include "runner/selection.h"

#include <gmock/gmock.h>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

CaseInfo Case(const std::string& id, const std::vector<std::string>& touch = {},
              bool meta = false) {
  CaseInfo info;
  info.id = id;
  info.meta = meta;
  if (touch.empty()) info.instances.resize(1);
  for (const std::string& value : touch) {
    InstanceInfo instance;
    instance.params = Params(Params::Map{{"n", "1"}, {"touch", value}});
    info.instances.push_back(instance);
  }
  return info;
}

const Catalogue kCatalogue = {
    Case("pages/zero_page", {"read", "write"}), Case("pages/global_oom"),
    Case("thp/cow"), Case("meta/pass", {}, true), Case("meta/hang", {}, true)};

std::vector<std::string> Names(const std::vector<std::string>& patterns) {
  std::vector<std::string> names;
  for (const CaseInfo& info : Select(kCatalogue, patterns)) {
    for (const InstanceInfo& instance : info.instances) {
      names.push_back(ToText(InstanceName{info.id, instance.params}));
    }
  }
  return names;
}

TEST(Select, AGlobMeansWhatTheSuiteHolds) {
  Catalogue catalogue = {Case("a/x", {"fast", "slow"})};
  catalogue[0].instances[0].suite = Suite::kQuick;
  catalogue[0].instances[1].suite = Suite::kNightly;
  const auto count = [&](const std::vector<std::string>& patterns,
                         Suite suite) {
    const std::vector<CaseInfo> meant = Select(catalogue, patterns, suite);
    return meant.empty() ? 0U : meant[0].instances.size();
  };
  EXPECT_EQ(count({}, Suite::kDefault), 1U);
  EXPECT_EQ(count({}, Suite::kNightly), 2U);
  EXPECT_EQ(count({"a/*"}, Suite::kDefault), 1U);
  EXPECT_EQ(count({"a/*"}, Suite::kNightly), 2U);
  // Whoever names it wants it.
  EXPECT_EQ(count({"a/x"}, Suite::kQuick), 2U);
  EXPECT_EQ(count({"a/*[n=1,touch=slow]"}, Suite::kQuick), 1U);
}

std::string ErrorOf(const std::vector<std::string>& patterns) {
  try {
    Select(kCatalogue, patterns);
    return "none";
  } catch (const UserError& error) {
    return error.what();
  }
}

TEST(Select, AllButMetaWithoutPatterns) {
  EXPECT_THAT(Names({}), ElementsAre("pages/zero_page[n=1,touch=read]",
                                     "pages/zero_page[n=1,touch=write]",
                                     "pages/global_oom", "thp/cow"));
}

TEST(Select, IdsGlobsAndInstances) {
  EXPECT_THAT(Names({"thp/cow", "pages/global_oom"}),
              ElementsAre("pages/global_oom", "thp/cow"));
  EXPECT_THAT(Names({"*_oom", "thp/*", "thp/cow"}),
              ElementsAre("pages/global_oom", "thp/cow"));
  EXPECT_THAT(Names({"pages/zero_page[touch=write,n=1]"}),
              ElementsAre("pages/zero_page[n=1,touch=write]"));
  EXPECT_THAT(Names({"pages/*[n=1,touch=read]"}),
              ElementsAre("pages/zero_page[n=1,touch=read]"));
  EXPECT_THAT(Names({"[pt]*/[cg]*"}),
              ElementsAre("pages/global_oom", "thp/cow"));
}

TEST(Select, MetaOnlyWhereItIsNamed) {
  EXPECT_THAT(Names({"meta/*"}), ElementsAre("meta/pass", "meta/hang"));
  EXPECT_THAT(Names({"meta/hang"}), ElementsAre("meta/hang"));
  EXPECT_THAT(Names({"*"}), testing::SizeIs(4));
  EXPECT_NE(ErrorOf({"*/hang"}), "none");
}

TEST(Select, NamesWhatMatchesNothing) {
  EXPECT_THAT(ErrorOf({"thp/*", "pages/zero_pgae"}),
              AllOf(HasSubstr("'pages/zero_pgae'"),
                    HasSubstr("closest: pages/zero_page")));
  EXPECT_THAT(ErrorOf({"global_oom"}), HasSubstr("pages/global_oom"));
  EXPECT_THAT(ErrorOf({"pages/zero_page[touch=read]"}),
              HasSubstr("pages/zero_page[n=1,touch=read]"));
  EXPECT_THAT(ErrorOf({""}), HasSubstr("no case matches ''"));
  EXPECT_THAT(ErrorOf({"pages/zero_page[touch"}), HasSubstr("no case"));
}

TEST(ClosestIds, NothingResembles) {
  EXPECT_THAT(ClosestIds(kCatalogue, "qqqqqqqq"), IsEmpty());
  EXPECT_THAT(ClosestIds(kCatalogue, "zero"), ElementsAre("pages/zero_page"));
}

}  // namespace
}  // namespace oomgate
