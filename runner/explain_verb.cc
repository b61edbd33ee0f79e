// SPDX-License-Identifier: Apache-2.0
// oomgate explain: all that is known of a case.
#include <cstdio>
#include <memory>

#include "runner/catalogue.h"
#include "runner/cli.h"
#include "runner/error.h"
#include "runner/programs.h"
#include "runner/report/cases.h"
#include "runner/selection.h"
#include "runner/this_machine.h"

namespace oomgate {

void AddExplainVerb(CLI::App& app, int& exit_code) {
  const auto patterns = std::make_shared<std::vector<std::string>>();
  CLI::App* verb =
      app.add_subcommand("explain", "what a case promises, needs and measures");
  verb->add_option("id", *patterns, "ids, globs or instance names")->required();
  verb->callback([patterns, &exit_code] {
    const Machine machine = ReadMachine();
    bool first = true;
    for (const CaseInfo& info : Select(LoadCatalogue(FindPrograms().cases),
                                       *patterns, Suite::kNightly)) {
      if (!first) std::fputs("\n", stdout);
      first = false;
      std::fputs(ExplainText(info, machine).c_str(), stdout);
    }
    exit_code = kExitOk;
  });
}

}  // namespace oomgate
