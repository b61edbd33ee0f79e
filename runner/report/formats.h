// SPDX-License-Identifier: Apache-2.0
// The formats that a run can be reported in: one file and one line each.
#pragma once

#include <string>
#include <vector>

#include "runner/report/reported.h"

namespace oomgate {

struct Format {
  const char* name;
  const char* use;  // who reads it
  std::string (*text)(const Reported& reported);
};

const std::vector<Format>& Formats();

std::string ToBenchmarkAction(const Reported& reported);
std::string ToBenchmarkActionBigger(const Reported& reported);
std::string ToCtrf(const Reported& reported);
std::string ToGithub(const Reported& reported);
std::string ToJunit(const Reported& reported);
std::string ToKcidb(const Reported& reported);
std::string ToKtap(const Reported& reported);
std::string ToLava(const Reported& reported);
std::string ToMarkdown(const Reported& reported);
std::string ToOpenmetrics(const Reported& reported);

}  // namespace oomgate
