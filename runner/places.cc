// SPDX-License-Identifier: Apache-2.0
// Reads --on.
#include "runner/places.h"

#include <algorithm>
#include <sstream>

#include "oomgate/model/json.h"
#include "runner/error.h"

namespace oomgate {
namespace {

std::vector<Place> ReadPlaces(const std::string& on) {
  std::vector<Place> places;
  std::istringstream list(on);
  std::string name;
  while (std::getline(list, name, ',')) {
    try {
      const Place place = EnumFromText<Place>(kPlaceNames, name);
      if (std::ranges::find(places, place) == places.end()) {
        places.push_back(place);
      }
    } catch (const std::invalid_argument&) {
      throw UserError("--on=" + on + ": '" + name +
                      "' is no place; there are host, cgroup, vm and auto");
    }
  }
  if (places.empty()) {
    throw UserError("--on=" + on +
                    ": names no place; there are host, cgroup, vm and auto");
  }
  return places;
}

}  // namespace

Places FindPlaces(const std::string& on, bool guest_wanted,
                  const MissingAt& missing_at) {
  Places places;
  if (on != "auto" || guest_wanted) {
    places.usable = on == "auto" ? std::vector{Place::kVm} : ReadPlaces(on);
    if (guest_wanted &&
        std::ranges::find(places.usable, Place::kVm) == places.usable.end()) {
      throw UserError("--on=" + on +
                      ": the options that shape a guest (--kernel, --memory, "
                      "--cpus, …) need --on=vm");
    }
    for (const Place place : places.usable) {
      const std::string why = missing_at(place);
      if (!why.empty()) {
        throw UserError("cannot run on " + std::string(ToText(place)) + ": " +
                        why);
      }
    }
    return places;
  }
  for (const Place place : {Place::kCgroup, Place::kVm}) {
    const std::string why = missing_at(place);
    if (why.empty()) {
      places.usable.push_back(place);
    } else {
      places.unusable[place] = why;
    }
  }
  if (places.usable.empty()) {
    const std::string why = missing_at(Place::kHost);
    if (!why.empty()) throw UserError("no place to run in: " + why);
    places.usable.push_back(Place::kHost);
  }
  return places;
}

}  // namespace oomgate
