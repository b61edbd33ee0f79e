// SPDX-License-Identifier: Apache-2.0
// The kernel's OOM reports, from the text of its log.
#include "cases/kit/oom_report.h"

#include <cstdlib>
#include <sstream>
#include <string>

namespace oomgate {
namespace {

// What stands between `before` and `after` ("" to the end); "" without it.
std::string Between(std::string_view line, std::string_view before,
                    std::string_view after) {
  const std::size_t at = line.find(before);
  if (at == std::string_view::npos) return "";
  line.remove_prefix(at + before.size());
  return std::string(after.empty() ? line : line.substr(0, line.find(after)));
}

// The number after `key`; -1 without it.
std::int64_t NumberAfter(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return -1;
  return std::strtoll(std::string(line.substr(at + key.size(), 24)).c_str(),
                      nullptr, 10);
}

// "oom-kill:constraint=…,nodemask=1,cpuset=/,mems_allowed=0-1,global_oom,…".
// A node list has commas of its own: "nodemask=0,2".
void ReadSummary(std::string_view line, OomReport& report) {
  report.constraint = Between(line, "constraint=", ",");
  report.nodemask = Between(line, "nodemask=", ",cpuset=");
  report.oom_memcg = Between(line, "oom_memcg=", ",");
  report.task_memcg = Between(line, "task_memcg=", ",");
  report.global = line.find(",global_oom") != std::string_view::npos;
}

void ReadKill(std::string_view line, OomReport& report) {
  report.pid = NumberAfter(line, "Killed process ");
  // The name may hold any character: it ends before the sizes.
  const std::string rest = Between(line, "Killed process ", "");
  const std::size_t open = rest.find('(');
  const std::size_t close = rest.rfind(')', rest.find(" total-vm:"));
  if (open != std::string::npos && close != std::string::npos && open < close) {
    report.victim = rest.substr(open + 1, close - open - 1);
  }
  report.total_vm_kb = NumberAfter(line, "total-vm:");
  report.anon_rss_kb = NumberAfter(line, "anon-rss:");
  report.file_rss_kb = NumberAfter(line, "file-rss:");
  report.shmem_rss_kb = NumberAfter(line, "shmem-rss:");
  report.pgtables_kb = NumberAfter(line, "pgtables:");
  const std::string adj = Between(line, "oom_score_adj:", "");
  report.oom_score_adj = std::strtoll(adj.c_str(), nullptr, 10);
}

// The words of a line after its first bracket: "[  123]   0  123 …".
std::vector<std::string> Columns(std::string_view line) {
  std::istringstream words(Between(line, "]", ""));
  std::vector<std::string> columns;
  for (std::string word; words >> word;) columns.push_back(word);
  return columns;
}

}  // namespace

std::map<std::string, std::int64_t> OomTableRow(std::string_view log,
                                                std::int64_t pid) {
  std::vector<std::string> names;
  std::map<std::string, std::int64_t> row;
  bool first = true;  // of its lines in this table
  while (!log.empty()) {
    const std::size_t newline = log.find('\n');
    const std::string_view line = log.substr(0, newline);
    if (line.find("[  pid  ]") != std::string_view::npos) {
      names = Columns(line);
      first = true;
    } else if (!names.empty() && line.starts_with("[") &&
               NumberAfter(line, "[") == pid) {
      if (first) row.clear();
      first = false;
      ++row["lines"];
      const std::vector<std::string> values = Columns(line);
      for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) {
        if (names[i] == "name") continue;
        row[names[i]] = std::strtoll(values[i].c_str(), nullptr, 10);
      }
    }
    if (newline == std::string_view::npos) break;
    log.remove_prefix(newline + 1);
  }
  return row;
}

std::vector<OomReport> ParseOomReports(std::string_view log) {
  constexpr std::string_view kInvoked = " invoked oom-killer: ";
  std::vector<OomReport> reports;
  OomReport current;
  while (!log.empty()) {
    const std::size_t newline = log.find('\n');
    const std::string_view line = log.substr(0, newline);
    if (line.find(kInvoked) != std::string_view::npos) {
      current = {};
      current.invoked_by = line.substr(0, line.find(kInvoked));
    } else if (line.find("oom-kill:constraint=") != std::string_view::npos) {
      ReadSummary(line, current);
    } else if (line.find("Killed process ") != std::string_view::npos) {
      ReadKill(line, current);
      reports.push_back(current);
      current = {};
    }
    if (newline == std::string_view::npos) break;
    log.remove_prefix(newline + 1);
  }
  return reports;
}

}  // namespace oomgate
