// SPDX-License-Identifier: Apache-2.0
// A run of one instance.
#include "runner/bisect/trial.h"

#include <fmt/core.h>

#include <utility>

#include "runner/catalogue.h"
#include "runner/error.h"
#include "runner/programs.h"
#include "runner/report/quiet.h"
#include "runner/selection.h"

namespace oomgate {

OneRun RunOnce(RunOptions options, const std::string& what) {
  options.guest_wanted = true;
  options.jobs = 1;
  const bool wanted = std::exchange(options.keep, true);
  QuietReport report(stderr, what);
  RunDone done = RunCases(options, report);
  if (done.run.interrupted) throw Interrupted();
  OneRun one{std::move(done.run), done.run_json.parent_path()};
  // Kept for its console, not for what guests were started from.
  std::error_code ignored;
  if (!wanted) std::filesystem::remove_all(one.folder / "kept", ignored);
  if (one.run.results.size() != 1) {
    throw UserError(
        fmt::format("{} instances ran, and a bisect is about one: "
                    "name one place, --on=vm",
                    one.run.results.size()));
  }
  return one;
}

Result WithoutConsole(Result result) {
  result.console.clear();
  return result;
}

void CheckOneInstance(const std::string& pattern) {
  std::size_t count = 0;
  std::string names;
  for (const CaseInfo& info :
       Select(LoadCatalogue(FindPrograms().cases), {pattern})) {
    for (const InstanceInfo& instance : info.instances) {
      ++count;
      names += (names.empty() ? "" : ", ") +
               ToText(InstanceName{info.id, instance.params});
    }
  }
  if (count != 1) {
    throw UserError(
        fmt::format("{}: a bisect is about one instance: name one "
                    "of {}",
                    pattern, names));
  }
}

}  // namespace oomgate
