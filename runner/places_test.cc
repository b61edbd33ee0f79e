// SPDX-License-Identifier: Apache-2.0
#include "runner/places.h"

#include <gmock/gmock.h>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::ElementsAre;
using enum Place;

MissingAt Without(std::vector<Place> missing) {
  return [missing](Place place) -> std::string {
    for (const Place p : missing) {
      if (p == place) return "no " + std::string(ToText(p));
    }
    return "";
  };
}

TEST(FindPlaces, AutoTakesWhatThereIs) {
  EXPECT_THAT(FindPlaces("auto", false, Without({})).usable,
              ElementsAre(kCgroup, kVm));
  const Places no_vm = FindPlaces("auto", false, Without({kVm}));
  EXPECT_THAT(no_vm.usable, ElementsAre(kCgroup));
  EXPECT_EQ(no_vm.unusable.at(kVm), "no vm");
  EXPECT_THAT(FindPlaces("auto", false, Without({kVm, kCgroup})).usable,
              ElementsAre(kHost));
  EXPECT_THROW(FindPlaces("auto", false, Without({kVm, kCgroup, kHost})),
               UserError);
}

TEST(FindPlaces, AutoWithAGuestsShapeMeansThatGuest) {
  EXPECT_THAT(FindPlaces("auto", true, Without({})).usable, ElementsAre(kVm));
  EXPECT_THROW(FindPlaces("auto", true, Without({kVm})), UserError);
}

TEST(FindPlaces, NamedPlacesMustBeThere) {
  EXPECT_THAT(FindPlaces("vm,host,vm", false, Without({})).usable,
              ElementsAre(kVm, kHost));
  EXPECT_THROW(FindPlaces("cgroup,vm", false, Without({kCgroup})), UserError);
  EXPECT_THROW(FindPlaces("mars", false, Without({})), UserError);
  EXPECT_THROW(FindPlaces("", false, Without({})), UserError);
  EXPECT_THROW(FindPlaces("auto,vm", false, Without({})), UserError);
  EXPECT_THROW(FindPlaces("host", true, Without({})), UserError);
}

}  // namespace
}  // namespace oomgate
