// SPDX-License-Identifier: Apache-2.0
// Many hosts as one table: a line per check, a column per host.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "runner/report/text.h"
#include "runner/validate/validation.h"

namespace oomgate {
namespace {

using Row = std::map<std::string, const Checked*>;  // host -> its check

struct Fleet {
  std::vector<std::string> hosts;
  // "profile: name", in the order in which they were first seen.
  std::vector<std::pair<std::string, Row>> rows;
};

Fleet FleetOf(const std::vector<Validation>& documents) {
  Fleet fleet;
  for (const Validation& document : documents) {
    // Two hosts of one name are still two.
    std::string host = document.host;
    for (int n = 2; std::ranges::count(fleet.hosts, host) > 0; ++n) {
      host = fmt::format("{} ({})", document.host, n);
    }
    fleet.hosts.push_back(host);
    for (const Checked& check : document.checks) {
      const std::string name = check.profile + ": " + check.name;
      auto row = std::ranges::find(fleet.rows, name,
                                   [](const auto& r) { return r.first; });
      if (row == fleet.rows.end()) {
        row = fleet.rows.insert(row, {name, {}});
      }
      row->second[host] = &check;
    }
  }
  return fleet;
}

const char* StateAt(const Row& row, const std::string& host) {
  const auto found = row.find(host);
  return found == row.end() ? "-" : ToText(found->second->state);
}

}  // namespace

std::string FleetText(const std::vector<Validation>& documents) {
  const Fleet fleet = FleetOf(documents);
  std::size_t wide = 5;
  for (const auto& [name, row] : fleet.rows) {
    wide = std::max(wide, Printable(name).size());
  }
  std::string text = fmt::format("{:<{}}", "check", wide);
  for (const std::string& host : fleet.hosts) {
    text += fmt::format("  {:<8}", Printable(host));
  }
  text += "\n";
  for (const auto& [name, row] : fleet.rows) {
    text += fmt::format("{:<{}}", Printable(name), wide);
    for (const std::string& host : fleet.hosts) {
      text += fmt::format("  {:<{}}", StateAt(row, host),
                          std::max<std::size_t>(8, Printable(host).size()));
    }
    text += "\n";
  }
  return text;
}

std::string FleetJson(const std::vector<Validation>& documents) {
  const Fleet fleet = FleetOf(documents);
  Json checks = Json::array();
  for (const auto& [name, row] : fleet.rows) {
    Json states = Json::object();
    Json evidence = Json::object();
    for (const auto& [host, check] : row) {
      states[host] = ToText(check->state);
      evidence[host] = check->evidence;
    }
    checks.push_back({{"check", name},
                      {"states", std::move(states)},
                      {"evidence", std::move(evidence)}});
  }
  return Json{{"hosts", fleet.hosts}, {"checks", std::move(checks)}}.dump(
             2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace oomgate
