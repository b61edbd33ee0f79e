// SPDX-License-Identifier: Apache-2.0
// Candidates first: they say which baselines fit.
#include "runner/compare/sides.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runner/compare/baseline.h"
#include "runner/compare/load.h"
#include "runner/error.h"
#include "runner/kernel/release.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

std::string NameOf(const Ran& ran) {
  return FileOf({ran.shape, ran.series, {}}).string();
}

std::string NamesOf(const std::set<Ran>& all) {
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const Ran& ran : all) names.push_back(NameOf(ran));
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::set<Ran> RanIn(const Run& run) {
  std::set<Ran> ran;
  for (const Start& start : run.starts) {
    ran.insert({start.shape, SeriesOf(start.kernel)});
  }
  return ran;
}

Side LoadBase(const std::string& path, const std::set<Ran>& ran) {
  Side base;
  std::set<Ran> other;
  const bool choose = fs::is_directory(path);
  for (const fs::path& file : FindRuns(path)) {
    const Run run = LoadRun(file);
    if (choose && IsBaseline(run)) {
      const std::set<Ran> blessed = RanIn(run);
      if (blessed.size() != 1 || !ran.contains(*blessed.begin())) {
        other.insert(blessed.begin(), blessed.end());
        continue;
      }
    }
    base.Add(run);
  }
  if (base.runs == 0) {
    throw UserError(
        fmt::format("{}: no baseline fits: it takes one of {}; there are {}: "
                    "name a file to "
                    "compare with that, or bless this run",
                    path, NamesOf(ran), NamesOf(other)));
  }
  return base;
}

Sides LoadSides(const std::string& base,
                const std::vector<std::string>& candidates) {
  Sides sides;
  sides.base_name = base;
  sides.candidate_name = fmt::format("{}", fmt::join(candidates, ", "));
  std::set<Ran> ran;
  for (const std::string& path : candidates) {
    for (const fs::path& file : FindRuns(path)) {
      const Run run = LoadRun(file);
      ran.merge(RanIn(run));
      sides.candidate.Add(run);
    }
  }
  sides.base = LoadBase(base, ran);
  return sides;
}

}  // namespace oomgate
