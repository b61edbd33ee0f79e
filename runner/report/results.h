// SPDX-License-Identifier: Apache-2.0
// How formats look at the results of a run: groups, names, declarations.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

// Results of the same shape and kernel, in the order of their first ones.
struct ResultGroup {
  std::string shape;
  std::string kernel;
  std::vector<const Result*> results;

  // "vm-256m-1cpu, 6.1.0-44-cloud-amd64"; "no place" where there was none.
  std::string Name() const;
};
std::vector<ResultGroup> GroupsOf(const Run& run);

// "pages/zero_page[touch=write]".
std::string NameOf(const Result& result);

// "pages.zero_page.touch-write": letters, digits, '.', '-' and '_' only.
std::string Dotted(std::string_view text);

// `text`, or, where `used` has that already, `text` before N after: N = 2, 3, …
std::string Once(std::set<std::string>& used, const std::string& text,
                 std::string_view before, std::string_view after = "");

// fail, lost and broken: what somebody has to look at.
bool IsFinding(const Result& result);

// "7 pass, 1 skip, 1 fail": what there is, in the order of verdicts.
std::string CountsText(const Run& run);

// As declared by the case, or a metric of which nothing is known.
Metric MetricOf(const Run& run, const Result& result, const std::string& name);

// What the place was when it started; nullptr where it never did.
const Start* StartOf(const Run& run, const std::string& shape,
                     const std::string& kernel);

}  // namespace oomgate
