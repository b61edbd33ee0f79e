// SPDX-License-Identifier: Apache-2.0
// The document of one host, written and read.
#include "runner/validate/validation.h"

#include <algorithm>
#include <fstream>

#include "runner/error.h"

namespace oomgate {

int CountOf(const Validation& validation, Checked::State state) {
  return static_cast<int>(
      std::ranges::count(validation.checks, state, &Checked::state));
}

Json ToJson(const Validation& v) {
  Json checks = Json::array();
  for (const Checked& check : v.checks) {
    checks.push_back({{"profile", check.profile},
                      {"name", check.name},
                      {"state", ToText(check.state)},
                      {"evidence", check.evidence},
                      {"remedy", check.remedy},
                      {"cost", check.cost},
                      {"source", check.source}});
  }
  return {{"validation", 1},
          {"host", v.host},
          {"oomgate", v.oomgate},
          {"started", v.started},
          {"seconds", v.seconds},
          {"machine",
           {{"kernel", v.kernel},
            {"memory", v.machine.memory},
            {"swap", v.machine.swap},
            {"cpus", v.machine.cpus},
            {"nodes", v.machine.nodes},
            {"cgroup", v.machine.cgroup},
            {"root", v.root}}},
          {"profiles", v.profiles},
          {"checks", std::move(checks)},
          {"twin", v.twin}};
}

bool IsValidation(const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file)) return false;  // of a run
  std::ifstream in(file);
  const Json json = Json::parse(in, nullptr, false);
  return json.is_object() && json.contains("validation");
}

Validation ReadValidation(const std::filesystem::path& file) {
  try {
    std::ifstream in(file);
    const Json json = Json::parse(in);
    if (json.at("validation") != 1) {
      throw std::invalid_argument("field validation: this program reads 1");
    }
    Validation v;
    json.at("host").get_to(v.host);
    v.oomgate = json.value("oomgate", "");
    v.started = json.value("started", "");
    v.seconds = json.value("seconds", 0.0);
    const Json& machine = json.at("machine");
    machine.at("kernel").get_to(v.kernel);
    machine.at("memory").get_to(v.machine.memory);
    machine.at("swap").get_to(v.machine.swap);
    machine.at("cpus").get_to(v.machine.cpus);
    machine.at("nodes").get_to(v.machine.nodes);
    machine.at("cgroup").get_to(v.machine.cgroup);
    machine.at("root").get_to(v.root);
    json.at("profiles").get_to(v.profiles);
    json.at("twin").get_to(v.twin);
    for (const Json& check : json.at("checks")) {
      v.checks.push_back(
          {check.at("profile").get<std::string>(),
           check.at("name").get<std::string>(),
           EnumFromText<Checked::State>(kCheckedNames,
                                        check.at("state").get<std::string>()),
           check.value("evidence", ""), check.value("remedy", ""),
           check.value("cost", ""), check.value("source", "")});
    }
    return v;
  } catch (const std::exception& error) {
    throw UserError(
        file.string() +
        ": not what oomgate validate --format=json writes: " + error.what());
  }
}

}  // namespace oomgate
