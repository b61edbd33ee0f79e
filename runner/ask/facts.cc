// SPDX-License-Identifier: Apache-2.0
// Reads /proc, once each.
#include "runner/ask/facts.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "runner/error.h"
#include "runner/this_machine.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

std::int64_t Number(const fs::path& file) {
  std::int64_t number = 0;
  std::ifstream(file) >> number;
  return number;
}

// "Name:   123 kB" by name; the rest of the line.
std::map<std::string, std::string> FieldsOf(const fs::path& file) {
  std::map<std::string, std::string> fields;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t from = line.find_first_not_of(" \t", colon + 1);
    fields[line.substr(0, colon)] =
        from == std::string::npos ? "" : line.substr(from);
  }
  return fields;
}

Bytes SizeOf(const std::map<std::string, std::string>& fields,
             const std::string& name) {
  const auto found = fields.find(name);
  if (found == fields.end()) return {};
  std::int64_t kib = 0;
  std::istringstream(found->second) >> kib;
  return Bytes{kib * 1024};
}

// The flag `ac` of a mapping says that it is charged.
void ReadSmaps(const fs::path& file, ProcessFacts& process) {
  std::ifstream in(file);
  Bytes size;
  Bytes sum;
  Bytes largest;
  bool any = false;
  for (std::string line; std::getline(in, line);) {
    std::int64_t kib = 0;
    if (std::sscanf(line.c_str(), "Size: %ld kB", &kib) == 1) {
      size = Bytes{kib * 1024};
    } else if (line.starts_with("VmFlags:")) {
      any = true;
      if ((line + ' ').find(" ac ") == std::string::npos) continue;
      sum += size;
      if (size > largest) largest = size;
    }
  }
  if (!any) return;
  process.charged = sum;
  process.largest_charged = largest;
}

}  // namespace

MemoryFacts ReadMemoryFacts(const fs::path& root) {
  const auto meminfo = FieldsOf(root / "proc/meminfo");
  if (!meminfo.contains("CommitLimit")) {
    throw HarnessError((root / "proc/meminfo").string() +
                       ": has no CommitLimit: is /proc mounted?");
  }
  const fs::path vm = root / "proc/sys/vm";
  MemoryFacts facts;
  facts.mode = static_cast<int>(Number(vm / "overcommit_memory"));
  facts.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  facts.ram = SizeOf(meminfo, "MemTotal");
  facts.swap = SizeOf(meminfo, "SwapTotal");
  facts.available = SizeOf(meminfo, "MemAvailable");
  facts.swap_free = SizeOf(meminfo, "SwapFree");
  facts.commit_limit = SizeOf(meminfo, "CommitLimit");
  facts.committed = SizeOf(meminfo, "Committed_AS");
  facts.admin_reserve = Bytes{Number(vm / "admin_reserve_kbytes") * 1024};
  facts.user_reserve = Bytes{Number(vm / "user_reserve_kbytes") * 1024};
  facts.panic_on_oom = static_cast<int>(Number(vm / "panic_on_oom"));
  facts.kill_allocating_task =
      static_cast<int>(Number(vm / "oom_kill_allocating_task"));
  int major = 0;
  int minor = 0;
  std::sscanf(FirstLine(root / "proc/sys/kernel/osrelease").c_str(), "%d.%d",
              &major, &minor);
  facts.old_heuristic = major < 5 || (major == 5 && minor < 2);
  return facts;
}

std::optional<ProcessFacts> ReadProcessFacts(int pid, bool smaps,
                                             const fs::path& root) {
  const fs::path folder = root / "proc" / std::to_string(pid);
  const auto status = FieldsOf(folder / "status");
  if (!status.contains("Name")) return std::nullopt;
  ProcessFacts process;
  process.pid = pid;
  process.name = status.at("Name");
  process.kernel_thread = !status.contains("VmRSS");
  process.oom_score_adj = static_cast<int>(Number(folder / "oom_score_adj"));
  if (const std::string score = FirstLine(folder / "oom_score");
      !score.empty()) {
    process.oom_score = std::stoll(score);
  }
  process.rss = SizeOf(status, "VmRSS");
  process.swap = SizeOf(status, "VmSwap");
  process.page_tables = SizeOf(status, "VmPTE");
  process.address_space = SizeOf(status, "VmSize");
  process.data = SizeOf(status, "VmData") + SizeOf(status, "VmStk");
  if (smaps) ReadSmaps(folder / "smaps", process);
  return process;
}

std::vector<ProcessFacts> ReadAllProcesses(const fs::path& root) {
  std::vector<ProcessFacts> processes;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root / "proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (auto process = ReadProcessFacts(std::stoi(name), false, root)) {
      processes.push_back(std::move(*process));
    }
  }
  return processes;
}

}  // namespace oomgate
