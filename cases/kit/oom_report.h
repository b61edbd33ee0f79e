// SPDX-License-Identifier: Apache-2.0
// The kernel's OOM reports, from the text of its log. Grammar of 5.0 and later
// (mm/oom_kill.c: dump_header, dump_oom_summary, __oom_kill_process).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "oomgate/model/result.h"

namespace oomgate {

// One report per "Killed process" line, in order. A header that the kernel
// suppressed (it prints 10 in 5 seconds) leaves the constraint empty.
std::vector<OomReport> ParseOomReports(std::string_view log);

// The numbers of a process in the last table of tasks that lists it, by the
// names of the table's own columns: "rss", "pgtables_bytes", "swapents" and
// what a kernel adds to them; and "lines", how often it is listed there. Empty
// where no table lists it.
std::map<std::string, std::int64_t> OomTableRow(std::string_view log,
                                                std::int64_t pid);

}  // namespace oomgate
