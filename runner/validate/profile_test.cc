// SPDX-License-Identifier: Apache-2.0
#include "runner/validate/profile.h"

#include <gmock/gmock.h>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::HasSubstr;

std::string With(const std::string& check) {
  return R"({"name": "n", "about": "a", "checks": [)" + check + "]}";
}

std::string Knob(const std::string& wanted) {
  return With(R"({"name": "c", "severity": "fail", "source": "s", "remedy": "r",
    "cost": "c", "knob": {"path": "/proc/sys/vm/x", "wanted": )" +
              wanted + "}}");
}

std::string ErrorOf(const std::string& text) {
  try {
    ParseProfile(text, "my.json");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Profiles, AllThatAreIncludedAreRead) {
  const auto names = ProfileNames();
  EXPECT_THAT(names, testing::IsSupersetOf({"redis", "postgresql", "generic",
                                            "kubernetes-node", "jvm",
                                            "elasticsearch", "mongodb"}));
  for (const std::string& name : names) {
    const HostProfile profile = FindProfile(name);
    EXPECT_EQ(profile.name, name);
    EXPECT_TRUE(std::holds_alternative<ProbeCheck>(profile.checks[0].check) ||
                name == "postgresql")
        << name << " should begin with what a host does";
  }
}

TEST(Profiles, ErrorsNameFileAndField) {
  EXPECT_THAT(ErrorOf("{"), HasSubstr("my.json: is no JSON"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("my.json: the file: must be an object"));
  EXPECT_THAT(ErrorOf(R"({"name": "n"})"), HasSubstr("about: is missing"));
  EXPECT_THAT(ErrorOf(With("{}")), HasSubstr("checks[0].name: is missing"));
  EXPECT_THAT(ErrorOf(With(R"({"nmae": "x"})")),
              HasSubstr("checks[0].nmae: no such field"));
  EXPECT_THAT(ErrorOf(Knob("{}")),
              HasSubstr("checks[0].knob.wanted: must say exactly one thing"));
  EXPECT_THAT(ErrorOf(Knob(R"({"equals": 1})")),
              HasSubstr("checks[0].knob.wanted.equals: must be a text"));
  EXPECT_THAT(ErrorOf(Knob(R"({"at_least": "1"})")),
              HasSubstr("wanted.at_least: must be a whole number"));
  EXPECT_EQ(ErrorOf(Knob(R"({"at_least": 1})")), "");
}

TEST(Wanted, OfAChoiceTheChosenWordCounts) {
  const Wanted wanted{Wanted::Kind::kOneOf, {"madvise", "never"}, 0};
  EXPECT_TRUE(Holds(wanted, "always [madvise] never"));
  EXPECT_FALSE(Holds(wanted, "[always] madvise never"));
}

TEST(Wanted, NumbersAreCompared) {
  const Wanted least{Wanted::Kind::kAtLeast, {}, 100};
  EXPECT_TRUE(Holds(least, "100"));
  EXPECT_FALSE(Holds(least, "99"));
  EXPECT_TRUE(Holds(least, "unlimited"));
  EXPECT_FALSE(Holds(least, "many"));
  const Wanted most{Wanted::Kind::kAtMost, {}, 0};
  EXPECT_TRUE(Holds(most, "0 kB"));
  EXPECT_FALSE(Holds(most, "4 kB"));
}

}  // namespace
}  // namespace oomgate
