// SPDX-License-Identifier: Apache-2.0
// All checks of one host, as a document: what `validate --format=json` writes
// and `merge` reads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "oomgate/model/json.h"
#include "runner/this_machine.h"
#include "runner/validate/check.h"

namespace oomgate {

struct Validation {
  std::string host = {};     // its name
  std::string oomgate = {};  // version of the program
  std::string started = {};  // UTC
  std::string kernel = {};   // release
  bool root = false;
  Machine machine = {};
  std::vector<std::string> profiles = {};
  std::vector<Checked> checks = {};
  std::vector<std::string> twin = {};  // how a twin differs from the host
  double seconds = 0;
};

Json ToJson(const Validation& validation);
// Throws UserError that names the file where it is no such document.
Validation ReadValidation(const std::filesystem::path& file);
// Whether a file is one; false for what cannot be read.
bool IsValidation(const std::filesystem::path& file);

std::string ValidationText(const Validation& validation);
std::string ValidationMarkdown(const Validation& validation);
std::string ValidationJunit(const Validation& validation);

// Many hosts as one table, check by host.
std::string FleetText(const std::vector<Validation>& hosts);
std::string FleetJson(const std::vector<Validation>& hosts);

// How many checks came out so.
int CountOf(const Validation& validation, Checked::State state);

}  // namespace oomgate
