// SPDX-License-Identifier: Apache-2.0
// What a workload expects of a host, as data: knobs, limits of its processes,
// and probes of behaviour. runner/profiles/README.md describes the files.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "oomgate/model/params.h"

namespace oomgate {

// What a text that the kernel answers has to be. Of a choice ("always [madvise]
// never") the chosen word counts, and "unlimited" is more than any number.
struct Wanted {
  enum class Kind { kEquals, kAtLeast, kAtMost, kOneOf, kContains };
  Kind kind = Kind::kEquals;
  std::vector<std::string> texts = {};
  std::int64_t number = 0;
};

// "is 1", "at least 262144", "one of madvise, never".
std::string ToText(const Wanted& wanted);
bool Holds(const Wanted& wanted, const std::string& answer);

// A file of /proc, /sys; or the first word after `field` in it.
struct KnobCheck {
  std::string path = {};
  std::string field = {};
  Wanted wanted = {};
  bool must_exist = false;  // else it is skipped where there is no such file
};

// A file below /proc/<pid> of every running process of that name (comm).
// Leaders are those whose parent has another name; children the others.
struct ProcessCheck {
  enum class Which { kLeader, kChildren };
  std::string process = {};
  Which which = Which::kLeader;
  std::string file = {};
  std::string field = {};
  Wanted wanted = {};
};

// An instance of a case that has to pass. One that kills runs in a twin only.
struct ProbeCheck {
  InstanceName instance = {};
  bool kills = false;
};

struct Expectation {
  std::string name = {};
  std::variant<KnobCheck, ProcessCheck, ProbeCheck> check = {};
  bool warning = false;  // only a warning where it does not hold
  std::string source = {};
  std::string remedy = {};
  std::string cost = {};
};

struct HostProfile {
  std::string name = {};
  std::string about = {};
  std::vector<Expectation> checks = {};
};

// Reads a profile; `file` is how errors call it. Throws UserError that names
// file and field.
HostProfile ParseProfile(const std::string& text, const std::string& file);

// One that is part of the program, by its name, or a file. Throws UserError.
HostProfile FindProfile(const std::string& name_or_file);

// Names of those that are part of the program.
std::vector<std::string> ProfileNames();

}  // namespace oomgate
