// SPDX-License-Identifier: Apache-2.0
// Says of cases what a user needs for choosing and understanding them.
#include "runner/report/cases.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <vector>

#include "oomgate/model/json.h"
#include "runner/plan.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

constexpr Place kPlaces[] = {Place::kHost, Place::kCgroup, Place::kVm};

// Each parameter with its values, in the order in which they appear.
std::map<std::string, std::vector<std::string>> ParamsOf(const CaseInfo& info) {
  std::map<std::string, std::vector<std::string>> params;
  for (const InstanceInfo& instance : info.instances) {
    for (const auto& [name, value] : instance.params.values()) {
      std::vector<std::string>& values = params[name];
      if (std::ranges::find(values, value) == values.end()) {
        values.push_back(value);
      }
    }
  }
  return params;
}

std::string NameOf(const CaseInfo& info, const InstanceInfo& instance) {
  return ToText(InstanceName{info.id, instance.params});
}

// Instances by the smallest suite that holds them.
std::map<std::string, std::vector<std::string>> SuitesOf(const CaseInfo& info) {
  std::map<std::string, std::vector<std::string>> suites;
  for (const InstanceInfo& instance : info.instances) {
    suites[ToText(instance.suite)].push_back(NameOf(info, instance));
  }
  return suites;
}

int LongestTimeout(const CaseInfo& info) {
  int longest = 0;
  for (const InstanceInfo& instance : info.instances) {
    longest = std::max(longest, instance.timeout_seconds);
  }
  return longest;
}

std::string NeedsText(const Needs& needs) {
  std::string text;
  const auto add = [&](const std::string& item) {
    text += (text.empty() ? "" : ", ") + item;
  };
  if (needs.memory.count > 0) add("memory " + ToText(needs.memory));
  if (needs.swap.count > 0) add("swap " + ToText(needs.swap));
  if (needs.cpus > 1) add(std::to_string(needs.cpus) + " CPUs");
  if (needs.nodes > 1) add(std::to_string(needs.nodes) + " NUMA nodes");
  if (needs.cgroup != 0) {
    add("memory controller v" + std::to_string(needs.cgroup));
  }
  if (needs.kernel_log) add("the kernel log");
  if (needs.alone) add("a machine of its own");
  if (needs.disk.count > 0) add("a scratch disk of " + ToText(needs.disk));
  for (const Setting& setting : needs.box) {
    add("the box's " + setting.path + " = " + setting.value);
  }
  for (const Setting& setting : needs.settings) {
    add(setting.path + " = " + setting.value);
  }
  return text.empty() ? "nothing" : text;
}

PlanOptions OptionsFor(Place place, const Machine& machine) {
  PlanOptions options;
  options.places = {place};
  options.machine = machine;
  return options;
}

// A place fits a case where it fits one of its instances.
std::string PlaceText(Place place, const CaseInfo& info,
                      const Machine& machine) {
  const PlanOptions options = OptionsFor(place, machine);
  std::string why;
  for (const InstanceInfo& instance : info.instances) {
    const std::string not_this =
        WhyNot(place, info.blast, instance.needs, options);
    if (not_this.empty()) {
      return "yes, in " +
             ToText(ShapeFor(place, info.blast, instance.needs, options));
    }
    if (why.empty()) why = not_this;
  }
  return "no: " + why;
}

// The widest place: it makes the settings hold, too.
std::string CommandText(const CaseInfo& info) {
  return ShellQuoted(
      {"oomgate", "run",
       info.instances.size() == 1 ? NameOf(info, info.instances[0]) : info.id,
       "--on=vm"});
}

}  // namespace

std::string ListJson(const Catalogue& cases) {
  Json list = Json::array();
  for (const CaseInfo& info : cases) {
    Json instances = Json::array();
    for (const InstanceInfo& instance : info.instances) {
      instances.push_back(NameOf(info, instance));
    }
    list.push_back({{"id", info.id},
                    {"summary", info.summary},
                    {"explains", info.explains.claim},
                    {"deed", info.explains.deed},
                    {"functions", info.explains.functions},
                    {"look_at", info.explains.look_at},
                    {"steps", info.steps},
                    {"blast", info.blast},
                    {"meta", info.meta},
                    {"timeout_seconds", LongestTimeout(info)},
                    {"suites", SuitesOf(info)},
                    {"params", ParamsOf(info)},
                    {"metrics", info.metrics},
                    {"instances", std::move(instances)}});
  }
  return Json{{"cases", std::move(list)}}.dump(2, ' ', false,
                                               Json::error_handler_t::replace) +
         "\n";
}

std::string ListText(const Catalogue& cases, const Catalogue& all) {
  std::size_t width = 0;
  std::size_t instances = 0;
  for (const CaseInfo& info : cases) {
    width = std::max(width, info.id.size());
    instances += info.instances.size();
  }
  std::string text;
  for (const CaseInfo& info : cases) {
    std::string params;
    for (const auto& [name, values] : ParamsOf(info)) {
      params += (params.empty() ? "  [" : "; ") + name + "=";
      for (std::size_t i = 0; i < values.size(); ++i) {
        params += (i == 0 ? "" : ",") + values[i];
      }
    }
    if (!params.empty()) params += "]";
    text += fmt::format("{:<{}}  {:<7}  {}{}\n", info.id, width,
                        ToText(info.blast), Printable(info.summary), params);
  }
  text += fmt::format("{} {}, {} {}", cases.size(),
                      cases.size() == 1 ? "case" : "cases", instances,
                      instances == 1 ? "instance" : "instances");
  const auto is_meta = [](const CaseInfo& info) { return info.meta; };
  if (std::ranges::none_of(cases, is_meta)) {
    const auto hidden = std::ranges::find_if(all, [&](const CaseInfo& info) {
      return is_meta(info) && info.id.find('/') != std::string::npos;
    });
    if (hidden != all.end()) {
      text += fmt::format("; those that prove the harness: oomgate list '{}/*'",
                          hidden->id.substr(0, hidden->id.find('/')));
    }
  }
  return text + "\n";
}

std::string ExplainText(const CaseInfo& info, const Machine& machine) {
  std::string text =
      fmt::format("{}\n  {}\n", info.id, Printable(info.summary));
  const auto add = [&](const char* title, const std::string& body) {
    if (body.empty()) return;
    text += fmt::format("\n{}\n{}", title, Wrapped(body, "  "));
  };
  add("stands for", info.explains.claim);
  add("what it does", info.explains.deed);
  add("kernel functions involved", info.explains.functions);
  add("when it fails", info.explains.look_at);
  add("expects the kernel to panic", info.panics);
  if (!info.steps.empty()) text += "\nsteps\n";
  for (std::size_t i = 0; i < info.steps.size(); ++i) {
    text += fmt::format("  {}. {}\n", i + 1, Printable(info.steps[i]));
  }
  text += fmt::format("\nreaches: {}; time limit: {} s\n", ToText(info.blast),
                      LongestTimeout(info));
  text +=
      "\ninstances: suite, needs, and what is expected, by the numbers of this "
      "machine\n";
  for (const InstanceInfo& instance : info.instances) {
    text += fmt::format("  {}\n      {}; needs {}\n", NameOf(info, instance),
                        ToText(instance.suite),
                        Printable(NeedsText(instance.needs)));
    if (!instance.oracle.empty()) {
      text += PrintableLines(instance.oracle, "        ");
    }
  }
  if (!info.metrics.empty()) text += "\nmetrics\n";
  for (const Metric& metric : info.metrics) {
    text += fmt::format("  {} ({}, {}", metric.name, metric.unit,
                        ToText(metric.kind));
    if (metric.better != Better::kNeither) {
      text += fmt::format(", {} is better", ToText(metric.better));
    }
    if (metric.kind == Kind::kBounded) {
      text += fmt::format(", +-{:g}: {}", metric.tolerance,
                          Printable(metric.cause));
    }
    text += ")\n";
  }
  text += "\nplaces on this machine\n";
  for (const Place place : kPlaces) {
    text += fmt::format("  {:<6}  {}\n", ToText(place),
                        PlaceText(place, info, machine));
  }
  return text + "\nrun it\n  " + CommandText(info) + "\n";
}

}  // namespace oomgate
