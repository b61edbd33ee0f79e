// SPDX-License-Identifier: Apache-2.0
// Baselines: runs that somebody blessed, one file per shape and kernel series,
// without anything that another run of the same would have otherwise.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "oomgate/model/run.h"
#include "runner/compare/side.h"

namespace oomgate {

struct Baseline {
  std::string shape;   // "vm-256m-1cpu"
  std::string series;  // "6.1"
  Run run;             // schema and parser of run.json; no dates, no command
};

// "vm-256m-1cpu/6.1.json": where it stands below a folder of baselines.
std::filesystem::path FileOf(const Baseline& baseline);

// What there is to bless in a run: of each shape its starts, its results in
// order of their names, and their metrics but times, which only samples can
// tell. Nothing is blessed of a `broken`, `fail` or `lost`, or of an instance
// that no place took.
std::vector<Baseline> BaselinesOf(const Run& run);

// Why the run is no measure of anything, whatever the user says; "" where it
// may be: it did not run its cases as they are meant.
std::string NeverFit(const Run& run);

// Why the run should not be blessed; "" where it can: that, or something in it
// failed, or it is not whole.
std::string Unfit(const Run& run);

// The text of its file: one metric per line, keys and results sorted, so that a
// change of one value is a change of one line.
std::string ToJsonText(const Baseline& baseline);

// Reads one file. Throws UserError where it is no baseline: another shape
// among its results, more than one kernel.
Baseline LoadBaseline(const std::filesystem::path& file);

// Whether `run` was made by BaselinesOf, as opposed to a run of its own.
bool IsBaseline(const Run& run);

}  // namespace oomgate
