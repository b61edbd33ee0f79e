// SPDX-License-Identifier: Apache-2.0
// What may be compared with what: the places of two runs, and how they differ.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

// What a difference is about, and so who has to allow it.
enum class Matter {
  kNote,      // worth saying, no more
  kKernel,    // another kernel, and what follows from it
  kPrograms,  // another oomgate, another QEMU
  kPlace,     // another machine, shape or setting
};
inline constexpr const char* kMatterNames[] = {"note", "kernel", "programs",
                                               "place"};
constexpr const char* ToText(Matter matter) {
  return kMatterNames[static_cast<int>(matter)];
}

struct Difference {
  Matter matter = Matter::kPlace;
  std::string what;  // "kernel", "/proc/sys/vm/swappiness"
  std::string base;  // the values there, with commas between
  std::string candidate;
  std::vector<std::string> shapes = {};  // where; none: everywhere
  bool operator==(const Difference&) const = default;
};

// Of each shape every value of every property that its starts had: a run of
// many groups has several starts of one shape, with other settings.
struct Fingerprint {
  using Properties = std::map<std::string, std::set<std::string>>;
  std::map<std::string, Properties> shapes;
  bool operator==(const Fingerprint&) const = default;

  void Add(const Run& run);
};

// A property differs where the two have no value in common: of which cases
// were selected, and so of their settings, nothing follows. What only one of
// them knows is a note. Equal differences of several shapes are one.
std::vector<Difference> DifferencesOf(const Fingerprint& base,
                                      const Fingerprint& candidate);

// One line each for a reader; what follows from another kernel is one line
// together.
std::vector<std::string> LinesOf(const std::vector<Difference>& differences);

// What `--across` allows.
using Across = std::set<Matter>;

// The differences that `across` does not allow.
std::vector<Difference> RefusedDifferences(
    const std::vector<Difference>& differences, const Across& across);

}  // namespace oomgate
