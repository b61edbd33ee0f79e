// SPDX-License-Identifier: Apache-2.0
#include "runner/report/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "oomgate/model/json.h"

namespace oomgate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What `print` writes.
template <typename Print>
std::string Printed(Print print) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const file = ::open_memstream(&text, &size);
  print(file);
  std::fclose(file);
  std::string printed(text, size);
  std::free(text);
  return printed;
}

// Two series: one moves from 100 to 120 with its fourth run, one stays.
struct Fixture {
  History history;
  std::vector<Trend> trends;

  explicit Fixture(bool confirmed) {
    Series moved;
    moved.id = "a/moved";
    moved.params = Params(Params::Map{{"k", "v"}});
    moved.shape = "host";
    moved.kernel = "6.12";
    moved.metric = {.name = "faults", .better = Better::kLower};
    for (std::uint32_t i = 0; i < 4; ++i) {
      history.runs.push_back({"2026-01-0" + std::to_string(i + 1),
                              "runs/" + std::to_string(i) + "/run.json"});
      moved.runs.push_back(i);
      moved.values.push_back(i < 3 ? 100 : 120);
    }
    Series steady = moved;
    steady.id = "a/steady";
    history.series = {steady, moved};
    trends = {{&history.series[0], {}},
              {&history.series[1], {{3, 100, 120, .002, confirmed}}}};
  }
};

TEST(PrintHistory, TellsWhatChangedWhenAndWhetherThatIsCertain) {
  const Fixture f(true);
  const std::string text = Printed(
      [&](std::FILE* out) { PrintHistory(out, f.history, f.trends, false); });
  EXPECT_EQ(text,
            "a/moved[k=v] faults  host  6.12\n"
            "  ▁▁▁█  100 … 120 in 4 runs\n"
            "  2026-01-04  confirmed: 100 -> 120 (+20.0 %, worse), p 0.002\n"
            "    runs/3/run.json\n"
            "4 runs, 2 series: 1 changed (1 confirmed points, 0 suspect)\n");
}

TEST(PrintHistory, SaysWhatASuspectLacks) {
  const Fixture f(false);
  const std::string text = Printed(
      [&](std::FILE* out) { PrintHistory(out, f.history, f.trends, false); });
  EXPECT_THAT(text, HasSubstr("suspect: 100 -> 120"));
  EXPECT_THAT(text, HasSubstr(", 1 of 5 runs confirm it\n"));
  EXPECT_THAT(text, Not(HasSubstr("a/steady")));
  EXPECT_THAT(Printed([&](std::FILE* out) {
                PrintHistory(out, f.history, f.trends, true);
              }),
              HasSubstr("a/steady"));
}

TEST(PrintHistoryJson, IsOneDocument) {
  const Fixture f(true);
  const Json json = Json::parse(Printed(
      [&](std::FILE* out) { PrintHistoryJson(out, f.history, f.trends); }));
  EXPECT_EQ(json.at("runs").size(), 4u);
  const Json& moved = json.at("series").at(1);
  EXPECT_EQ(moved.at("values"), Json({100, 100, 100, 120}));
  EXPECT_EQ(moved.at("changes").at(0).at("run"), 3);
  EXPECT_EQ(moved.at("changes").at(0).at("relative"), .2);
  EXPECT_EQ(Json::parse(Printed([](std::FILE* out) {
              PrintHistoryJson(out, {}, {});
            })).at("series"),
            Json::array());
}

}  // namespace
}  // namespace oomgate
