// SPDX-License-Identifier: Apache-2.0
// What shapes are called, against what results/schema.json allows.
#include "oomgate/model/environment.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "oomgate/model/json.h"

namespace oomgate {
namespace {

std::regex PatternOfSchema() {
  std::ifstream file(OOMGATE_SOURCE_DIR "/results/schema.json");
  const Json schema = Json::parse(file);
  return std::regex(
      schema.at("/definitions/shape/pattern"_json_pointer).get<std::string>());
}

TEST(Shape, EveryNameIsOneOfTheSchema) {
  const std::regex pattern = PatternOfSchema();
  const auto allowed = [&](const Shape& shape) {
    return std::regex_match(ToText(shape), pattern);
  };
  EXPECT_TRUE(allowed({.place = Place::kHost}));
  for (const int version : {1, 2}) {
    EXPECT_TRUE(allowed({.place = Place::kCgroup, .cgroup = version}));
    EXPECT_TRUE(allowed(
        {.place = Place::kCgroup, .memory = 64_MiB, .cgroup = version}));
  }
  for (int parts = 0; parts < 32; ++parts) {
    Shape shape{.place = Place::kVm, .memory = 512_MiB};
    if (parts & 1) shape.nodes = 2;
    if (parts & 2) shape.swap = 128_MiB;
    if (parts & 4) shape.disk = 64_MiB;
    if (parts & 8) shape.cgroup = 1;
    if (parts & 16) shape.clock = Clock::kInstructions;
    EXPECT_TRUE(allowed(shape)) << ToText(shape);
  }
}

TEST(Shape, TheSchemaTakesNoOtherName) {
  const std::regex pattern = PatternOfSchema();
  for (const char* name : {"vm-512m", "vm-512m-1cpu-2node-", "cgroup3",
                           "vm-512m-1cpu-instructions-64mdisk", "hosts"}) {
    EXPECT_FALSE(std::regex_match(name, pattern)) << name;
  }
}

}  // namespace
}  // namespace oomgate
