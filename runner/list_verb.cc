// SPDX-License-Identifier: Apache-2.0
// oomgate list: which cases there are.
#include <cstdio>
#include <memory>

#include "runner/catalogue.h"
#include "runner/cli.h"
#include "runner/error.h"
#include "runner/programs.h"
#include "runner/report/cases.h"
#include "runner/selection.h"

namespace oomgate {

void AddListVerb(CLI::App& app, int& exit_code) {
  struct Options {
    std::vector<std::string> patterns;
    std::string format = "human";
    Suite suite = Suite::kNightly;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("list", "list the cases");
  verb->add_option("patterns", options->patterns,
                   "ids, globs or instance names; default: all but meta/*");
  AddSuiteOption(*verb, options->suite);
  AddFormatOption(*verb, options->format);
  verb->callback([options, &exit_code] {
    const Catalogue all = LoadCatalogue(FindPrograms().cases);
    const Catalogue cases = Select(all, options->patterns, options->suite);
    const std::string text =
        options->format == "json" ? ListJson(cases) : ListText(cases, all);
    std::fputs(text.c_str(), stdout);
    exit_code = kExitOk;
  });
}

}  // namespace oomgate
