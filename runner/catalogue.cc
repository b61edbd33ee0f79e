// SPDX-License-Identifier: Apache-2.0
// Starts `oomgate-cases --list` and reads what it prints.
#include "runner/catalogue.h"

#include <chrono>
#include <exception>
#include <set>

#include "oomgate/model/json.h"
#include "runner/error.h"
#include "runner/process.h"

namespace oomgate {

Catalogue LoadCatalogue(const std::string& cases_program) {
  const Finished finished =
      RunToEnd({.argv = {cases_program, "--list"}}, std::chrono::seconds(30));
  if (!finished.ok()) {
    throw HarnessError(
        cases_program + " --list " +
        (finished.deadline ? "did not end within 30 s" : "failed") +
        (finished.err.empty() ? "" : ": " + finished.err));
  }
  try {
    return ReadCatalogue(finished.out);
  } catch (const HarnessError& error) {
    throw HarnessError(cases_program + " --list: " + error.what());
  }
}

Catalogue ReadCatalogue(std::string_view json) {
  Catalogue catalogue;
  try {
    catalogue = Json::parse(json).get<Catalogue>();
  } catch (const std::exception& error) {
    throw HarnessError(std::string("not a list of cases: ") + error.what());
  }
  std::set<std::string> ids;
  for (CaseInfo& info : catalogue) {
    if (info.id.empty()) throw HarnessError("a case without id");
    if (!ids.insert(info.id).second) {
      throw HarnessError("two cases have the id " + info.id);
    }
    if (info.instances.empty()) info.instances.emplace_back();
  }
  return catalogue;
}

}  // namespace oomgate
