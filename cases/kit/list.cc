// SPDX-License-Identifier: Apache-2.0
// What the outside knows of the cases, as JSON.
#include "cases/kit/list.h"

#include <algorithm>

#include "cases/kit/facts.h"
#include "cases/kit/play.h"
#include "cases/kit/registry.h"
#include "oomgate/model/line.h"

namespace oomgate {
namespace {

void AddSettings(const char* name, const std::vector<Setting>& settings,
                 Line& line) {
  line.Array(name);
  for (const Setting& setting : settings) {
    line.Item().Text("path", setting.path).Text("value", setting.value).Close();
  }
  line.Close(']');
}

void AddNeeds(const Needs& needs, Line& line) {
  line.Object("needs")
      .Number("memory", needs.memory.count)
      .Number("swap", needs.swap.count)
      .Bool("no_swap", needs.no_swap)
      .Number("cpus", needs.cpus)
      .Number("nodes", needs.nodes)
      .Number("cgroup", needs.cgroup)
      .Bool("kernel_log", needs.kernel_log)
      .Bool("alone", needs.alone)
      .Number("disk", needs.disk.count);
  AddSettings("settings", needs.settings, line);
  AddSettings("box", needs.box, line);
  line.Close();
}

// This machine, as an instance would find it.
Facts FactsFor(const Case& definition, const InstanceInfo& instance) {
  Facts facts = CollectFacts(BoxView("process"));
  if (definition.blast != Blast::kProcess && instance.needs.memory.count > 0) {
    facts.box = instance.needs.memory;
  }
  if (definition.blast == Blast::kMachine) facts.ram = facts.box;
  return facts;
}

void AddText(const std::string& step, const Oracle& oracle, std::string& text) {
  for (const Check& check : oracle.checks()) {
    if (!text.empty()) text += "\n";
    if (!step.empty()) text += step + ": ";
    text += check.value + " " + check.expected;
  }
}

// What is expected, a line each, by the facts of the machine that is asked.
std::string OracleText(const Case& definition, const InstanceInfo& instance) {
  // Some of those that prove the harness hang in their oracle, or throw.
  if (definition.meta) return "";
  const Facts facts = FactsFor(definition, instance);
  std::string text;
  for (const Step& step : StepsOf(definition, instance.params, facts)) {
    AddText(step.name, step.expect, text);
  }
  if (!definition.panics.empty()) {
    text +=
        (text.empty() ? "panic \"" : "\npanic \"") + definition.panics + "\"";
  } else if (definition.expect != nullptr) {
    AddText("", definition.expect(instance.params, facts), text);
  }
  return text;
}

// The steps of all instances, each once.
std::vector<Step> AllSteps(const Case& definition) {
  std::vector<Step> all;
  for (const Params& params : InstancesOf(definition)) {
    const InstanceInfo instance = InstanceOf(definition, params);
    for (Step& step :
         StepsOf(definition, params, FactsFor(definition, instance))) {
      if (std::ranges::find(all, step.name, &Step::name) == all.end()) {
        all.push_back(std::move(step));
      }
    }
  }
  return all;
}

void AddSteps(const Case& definition, Line& line) {
  const std::vector<Step> steps = AllSteps(definition);
  line.Array("steps");
  for (const Step& step : steps) line.Word(step.name);
  line.Close(']').Object("holds_without");
  for (const Step& step : steps) {
    if (!step.holds_without.empty()) line.Text(step.name, step.holds_without);
  }
  line.Close();
}

void AddCase(const Case& definition, Line& line) {
  line.Item()
      .Text("id", definition.id)
      .Text("summary", definition.summary)
      .Text("blast", ToText(definition.blast))
      .Text("panics", definition.panics)
      .Bool("meta", definition.meta);
  line.Object("explains")
      .Text("claim", definition.claim)
      .Text("deed", definition.deed)
      .Text("functions", definition.functions)
      .Text("look_at", definition.look_at)
      .Close();
  AddSteps(definition, line);
  line.Array("metrics");
  for (const Metric& metric : definition.metrics) {
    line.Item()
        .Text("name", metric.name)
        .Text("better", ToText(metric.better))
        .Text("unit", metric.unit)
        .Text("kind", ToText(metric.kind))
        .Seconds("tolerance", metric.tolerance)
        .Text("cause", metric.cause)
        .Close();
  }
  line.Close(']').Array("instances");
  for (const Params& params : InstancesOf(definition)) {
    const InstanceInfo instance = InstanceOf(definition, params);
    line.Item().Names("params", params);
    AddNeeds(instance.needs, line);
    line.Text("suite", ToText(instance.suite))
        .Number("timeout_seconds", instance.timeout_seconds)
        .Text("oracle", OracleText(definition, instance))
        .Close();
  }
  line.Close(']').Close();
}

}  // namespace

std::string ListAsJson(const std::vector<Case>& cases) {
  Line line;
  line.Array("cases");
  for (const Case& definition : cases) AddCase(definition, line);
  line.Close(']');
  // The array alone: the object around it is only how Line is made.
  const std::string text(line.Done());
  const std::size_t open = text.find('[');
  return text.substr(open, text.size() - open - 1);
}

}  // namespace oomgate
