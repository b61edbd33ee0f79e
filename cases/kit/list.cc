// SPDX-License-Identifier: Apache-2.0
// What the outside knows of the cases, as JSON.
#include "cases/kit/list.h"

#include "cases/kit/registry.h"
#include "oomgate/model/line.h"

namespace oomgate {
namespace {

void AddNeeds(const Needs& needs, Line& line) {
  line.Object("needs")
      .Number("memory", needs.memory.count)
      .Number("swap", needs.swap.count)
      .Bool("no_swap", needs.no_swap)
      .Number("cpus", needs.cpus)
      .Number("nodes", needs.nodes)
      .Number("cgroup", needs.cgroup)
      .Bool("kernel_log", needs.kernel_log)
      .Bool("alone", needs.alone);
  line.Array("settings");
  for (const Setting& setting : needs.settings) {
    line.Item().Text("path", setting.path).Text("value", setting.value).Close();
  }
  line.Close(']').Close();
}

void AddCase(const Case& definition, Line& line) {
  line.Item()
      .Text("id", definition.id)
      .Text("summary", definition.summary)
      .Text("explains", definition.explains)
      .Text("blast", ToText(definition.blast))
      .Number("timeout_seconds", definition.timeout_seconds)
      .Bool("meta", definition.meta);
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
    line.Item().Names("params", params);
    AddNeeds(NeedsOf(definition, params), line);
    line.Close();
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
