// SPDX-License-Identifier: Apache-2.0
// Reads knobs, and files of running processes; never writes one.
#include "runner/validate/check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>

namespace oomgate {
namespace {

namespace fs = std::filesystem;

// The first line, or what follows `field` in the line that begins with it:
// "Max open files   1024   4096   files" gives "1024".
struct Answer {
  std::optional<std::string> text = {};
  std::string missing = {};
};

Answer Ask(const fs::path& file, const std::string& field) {
  std::ifstream in(file);
  if (!in) return {{}, std::string(std::strerror(errno))};
  std::string line;
  while (std::getline(in, line)) {
    if (field.empty()) return {line, ""};
    if (!line.starts_with(field)) continue;
    std::string rest = line.substr(field.size());
    if (rest.starts_with(':')) rest.erase(0, 1);
    const std::size_t from = rest.find_first_not_of(" \t");
    if (from == 0 || from == std::string::npos) continue;
    return {rest.substr(from, rest.find_first_of(" \t", from) - from), ""};
  }
  if (in.bad()) return {{}, std::string(std::strerror(errno))};
  return {{}, field.empty() ? "is empty" : "has no " + field};
}

std::string CommOf(const fs::path& folder) {
  return Ask(folder / "comm", "").text.value_or("");
}

// pid -> folder, of all processes with that name.
std::map<std::string, fs::path> Named(const std::string& name,
                                      const fs::path& proc) {
  std::map<std::string, fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(proc, error)) {
    const std::string pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (CommOf(entry.path()) == name) found[pid] = entry.path();
  }
  return found;
}

}  // namespace

Checked Holding(const HostProfile& profile, const Expectation& expectation,
                bool holds, const std::string& evidence) {
  Checked checked{profile.name,
                  expectation.name,
                  Checked::State::kOk,
                  evidence,
                  "",
                  "",
                  ""};
  if (holds) return checked;
  checked.state =
      expectation.warning ? Checked::State::kWarning : Checked::State::kFail;
  checked.remedy = expectation.remedy;
  checked.cost = expectation.cost;
  checked.source = expectation.source;
  return checked;
}

Checked Skipping(const HostProfile& profile, const Expectation& expectation,
                 const std::string& why) {
  return {profile.name,
          expectation.name,
          Checked::State::kSkipped,
          why,
          "",
          "",
          ""};
}

Checked CheckKnob(const HostProfile& profile, const Expectation& expectation,
                  const KnobCheck& knob, const fs::path& root) {
  const Answer answer = Ask(root / knob.path.substr(1), knob.field);
  const std::string name =
      knob.path + (knob.field.empty() ? "" : " " + knob.field);
  if (!answer.text) {
    const std::string why = name + ": " + answer.missing;
    return knob.must_exist ? Holding(profile, expectation, false, why)
                           : Skipping(profile, expectation, why);
  }
  return Holding(profile, expectation, Holds(knob.wanted, *answer.text),
                 fmt::format("{} is {}, wanted {}", name, *answer.text,
                             ToText(knob.wanted)));
}

Checked CheckProcesses(const HostProfile& profile,
                       const Expectation& expectation,
                       const ProcessCheck& check, const fs::path& root) {
  const auto named = Named(check.process, root / "proc");
  int looked = 0;
  std::string refused;
  for (const auto& [pid, folder] : named) {
    const std::string parent =
        Ask(folder / "status", "PPid").text.value_or("0");
    const bool child = named.contains(parent);
    if (child != (check.which == ProcessCheck::Which::kChildren)) continue;
    const Answer answer = Ask(folder / check.file, check.field);
    const std::string name =
        fmt::format("{} {} {}", check.process, pid,
                    check.field.empty() ? check.file : check.field);
    if (!answer.text) {
      refused = name + ": " + answer.missing;
      continue;
    }
    ++looked;
    if (!Holds(check.wanted, *answer.text)) {
      return Holding(profile, expectation, false,
                     fmt::format("{} is {}, wanted {}", name, *answer.text,
                                 ToText(check.wanted)));
    }
  }
  if (!refused.empty()) return Skipping(profile, expectation, refused);
  if (looked == 0) {
    return Skipping(
        profile, expectation,
        fmt::format(
            "no {}process {} runs here",
            check.which == ProcessCheck::Which::kChildren ? "child " : "",
            check.process));
  }
  return Holding(profile, expectation, true,
                 fmt::format("{} of {}: {} is {}", check.process, looked,
                             check.field.empty() ? check.file : check.field,
                             ToText(check.wanted)));
}

}  // namespace oomgate
