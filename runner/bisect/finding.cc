// SPDX-License-Identifier: Apache-2.0
// The culprit, then both sides of it.
#include "runner/bisect/finding.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "runner/record/findings_text.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

void AddSide(std::string& text, const char* name,
             const std::optional<Trial>& trial, const fs::path& folder) {
  if (!trial) {
    text += fmt::format("  {:<7} not tried here\n", name);
    return;
  }
  text += fmt::format("  {:<7} {}: {}\n", name, Printable(trial->title),
                      Printable(trial->outcome.why));
  if (trial->result && !trial->result->end.empty()) {
    text +=
        fmt::format("          ended   {}\n", Printable(trial->result->end));
  }
  if (trial->result && trial->result->oom) {
    const OomReport& oom = *trial->result->oom;
    text += fmt::format(
        "          oom     {}, victim {}, anon-rss {} kB, "
        "pgtables {} kB\n",
        Printable(oom.constraint), Printable(oom.victim), oom.anon_rss_kb,
        oom.pgtables_kb);
  }
  if (trial->result) {
    for (const LeftOut& out : trial->result->left_out) {
      text += fmt::format("          left out  {}\n", Printable(ToText(out)));
    }
  }
  if (trial->run.empty()) return;
  for (const fs::path& console : ConsolesIn(folder / trial->run)) {
    text += fmt::format("          console {}\n", console.string());
  }
}

// What both measured, and not alike.
void AddValues(std::string& text, const BisectFinding& finding) {
  if (!finding.before || !finding.now || !finding.before->result ||
      !finding.now->result) {
    return;
  }
  const auto& now = finding.now->result->values;
  for (const auto& [name, value] : finding.before->result->values) {
    const auto found = now.find(name);
    if (found == now.end() || found->second == value) continue;
    text += fmt::format("  value   {} {} -> {}\n", name, NumberText(value),
                        NumberText(found->second));
  }
}

}  // namespace

std::vector<fs::path> ConsolesIn(const fs::path& run) {
  std::vector<fs::path> consoles;
  std::error_code absent;
  for (const auto& file : fs::directory_iterator(run, absent)) {
    if (file.path().filename().string().starts_with("console-")) {
      consoles.push_back(file.path());
    }
  }
  std::ranges::sort(consoles);
  return consoles;
}

std::string FindingText(const BisectFinding& finding, const fs::path& folder) {
  std::string text = "\n" + Printable(finding.culprit) + "\n";
  AddSide(text, "before", finding.before, folder);
  AddSide(text, "now", finding.now, folder);
  AddValues(text, finding);
  for (const std::string& note : finding.notes) {
    text += fmt::format("  note    {}\n", Printable(note));
  }
  if (!finding.again.empty()) {
    text += fmt::format("  again   {}\n", Printable(finding.again));
  }
  return text + fmt::format("  log     {}\n", (folder / "log.jsonl").string());
}

}  // namespace oomgate
