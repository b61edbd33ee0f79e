// SPDX-License-Identifier: Apache-2.0
// Checks for people and for CI systems.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <pugixml.hpp>
#include <sstream>

#include "runner/report/text.h"
#include "runner/validate/validation.h"

namespace oomgate {
namespace {

using State = Checked::State;

std::string SummaryLine(const Validation& v) {
  return fmt::format(
      "{} checks in {:.1f} s: {} OK, {} WARNING, {} FAIL, {} "
      "SKIPPED",
      v.checks.size(), v.seconds, CountOf(v, State::kOk),
      CountOf(v, State::kWarning), CountOf(v, State::kFail),
      CountOf(v, State::kSkipped));
}

std::string Paragraph(const char* label, const std::string& text) {
  if (text.empty()) return "";
  return PrintableLines(std::string(label) + ": " + text, "    ");
}

std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : Printable(text)) {
    if (c == '|' || c == '<' || c == '`' || c == '[' || c == '*') cell += '\\';
    cell += c;
  }
  return cell;
}

void Set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

}  // namespace

std::string ValidationText(const Validation& v) {
  std::string text;
  std::string profile;
  for (const Checked& check : v.checks) {
    if (check.profile != profile) {
      text += (profile.empty() ? "" : "\n") + Printable(check.profile) + "\n";
      profile = check.profile;
    }
    text +=
        fmt::format("[{}]...{}", Printable(check.name), ToText(check.state));
    if (check.state == State::kSkipped) {
      text += "(" + Printable(check.evidence) + ")\n";
      continue;
    }
    text += "\n" + Paragraph("evidence", check.evidence) +
            Paragraph("remedy", check.remedy) + Paragraph("cost", check.cost) +
            Paragraph("source", check.source);
  }
  if (!v.twin.empty()) text += "\nThe twin of this host differs in:\n";
  for (const std::string& line : v.twin) text += PrintableLines(line, "    ");
  if (!v.root) {
    text +=
        "\nNot root: what needs more rights was left out; each SKIPPED says "
        "why.\n";
  }
  return text + "\n" + SummaryLine(v) + "\n";
}

std::string ValidationMarkdown(const Validation& v) {
  std::string text = fmt::format(
      "## {}: {}\n\n{}\n\n| profile | check | state | evidence | remedy | cost "
      "|\n|---|---|---|---|---|---|\n",
      Cell(v.host), Cell(fmt::format("{}", fmt::join(v.profiles, ", "))),
      SummaryLine(v));
  for (const Checked& c : v.checks) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", Cell(c.profile),
                        Cell(c.name), ToText(c.state), Cell(c.evidence),
                        Cell(c.remedy), Cell(c.cost));
  }
  for (const std::string& line : v.twin) {
    text += "\nTwin: " + Cell(line) + "\n";
  }
  return text;
}

std::string ValidationJunit(const Validation& v) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  Set(declaration, "version", "1.0");
  Set(declaration, "encoding", "UTF-8");
  pugi::xml_node suites = document.append_child("testsuites");
  int id = 0;
  for (const std::string& profile : v.profiles) {
    pugi::xml_node suite = suites.append_child("testsuite");
    Validation part = v;
    std::erase_if(part.checks,
                  [&](const Checked& c) { return c.profile != profile; });
    Set(suite, "name", profile);
    Set(suite, "package", "oomgate");
    Set(suite, "id", std::to_string(id++));
    Set(suite, "tests", std::to_string(part.checks.size()));
    Set(suite, "failures",
        std::to_string(CountOf(part, State::kFail) +
                       CountOf(part, State::kWarning)));
    Set(suite, "errors", "0");
    Set(suite, "skipped", std::to_string(CountOf(part, State::kSkipped)));
    Set(suite, "time", fmt::format("{:.3f}", v.seconds));
    Set(suite, "timestamp", v.started.substr(0, v.started.find('Z')));
    Set(suite, "hostname", v.host);
    suite.append_child("properties");
    for (const Checked& check : part.checks) {
      pugi::xml_node test = suite.append_child("testcase");
      Set(test, "name", check.name);
      Set(test, "classname", "validate." + profile);
      Set(test, "time", "0");
      if (check.state == State::kOk) continue;
      if (check.state == State::kSkipped) {
        Set(test.append_child("skipped"), "message", Printable(check.evidence));
        continue;
      }
      pugi::xml_node failure = test.append_child("failure");
      Set(failure, "message", Printable(check.evidence));
      Set(failure, "type", ToText(check.state));
      const std::string text = Paragraph("remedy", check.remedy) +
                               Paragraph("cost", check.cost) +
                               Paragraph("source", check.source);
      failure.append_child(pugi::node_pcdata).set_value(text.c_str());
    }
    suite.append_child("system-out");
    suite.append_child("system-err");
  }
  std::ostringstream text;
  document.save(text, "  ");
  return text.str();
}

}  // namespace oomgate
