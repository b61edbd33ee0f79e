// SPDX-License-Identifier: Apache-2.0
// What a judge tells the launcher, as JSON lines.
#include "cases/kit/records.h"

#include <unistd.h>

#include "oomgate/model/line.h"

namespace oomgate {
namespace {

void Write(int fd, Line& line) {
  std::string text(line.Done());
  text += '\n';
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t n = write(fd, left.data(), left.size());
    if (n <= 0) return;
    left.remove_prefix(static_cast<std::size_t>(n));
  }
}

void AddOom(const OomReport& oom, Line& line) {
  line.Object("oom")
      .Text("constraint", oom.constraint)
      .Text("nodemask", oom.nodemask)
      .Text("oom_memcg", oom.oom_memcg)
      .Text("task_memcg", oom.task_memcg)
      .Text("invoked_by", oom.invoked_by)
      .Text("victim", oom.victim)
      .Number("pid", oom.pid)
      .Number("total_vm_kb", oom.total_vm_kb)
      .Number("anon_rss_kb", oom.anon_rss_kb)
      .Number("file_rss_kb", oom.file_rss_kb)
      .Number("shmem_rss_kb", oom.shmem_rss_kb)
      .Number("pgtables_kb", oom.pgtables_kb)
      .Number("oom_score_adj", oom.oom_score_adj)
      .Bool("global", oom.global)
      .Close();
}

void AddOutcome(const Case& definition, const Outcome& outcome, Line& line) {
  line.Object("metrics");
  for (const Metric& metric : definition.metrics) {
    const auto value =
        outcome.values.find(metric.value.empty() ? metric.name : metric.value);
    if (value != outcome.values.end()) line.Number(metric.name, value->second);
  }
  line.Close().Object("values");
  for (const auto& [name, value] : outcome.values) line.Number(name, value);
  line.Close();
  if (outcome.oom) AddOom(*outcome.oom, line);
}

void AddFindings(const Judged& judgement, Line& line) {
  line.Array("checks");
  for (const FailedCheck& check : judgement.checks) {
    line.Item()
        .Text("step", check.step)
        .Text("value", check.value)
        .Text("seen", check.seen)
        .Text("expected", check.expected)
        .Close();
  }
  line.Close(']').Array("also");
  for (const Finding& finding : judgement.also) {
    line.Item().Text("what", finding.what).Text("text", finding.text).Close();
  }
  line.Close(']').Array("left_out");
  for (const LeftOut& step : judgement.left_out) {
    line.Item().Text("step", step.step).Text("reason", step.reason).Close();
  }
  line.Close(']');
}

}  // namespace

void WriteRecords(const Case& definition, const Params& params,
                  const Judged& judgement, int fd) {
  if (fd < 0) return;
  for (const Sample& sample : judgement.samples) {
    Line line("sample");
    line.Seconds("t", static_cast<double>(sample.milliseconds) / 1000)
        .Number("rss", sample.rss.count)
        .Number("page_tables", sample.page_tables.count)
        .Number("box_free", sample.box_free.count)
        .Number("oom_kills", sample.oom_kills);
    Write(fd, line);
  }
  Line line("result");
  line.Text("id", definition.id)
      .Names("params", params)
      .Text("verdict", ToText(judgement.verdict))
      .Text("reason", judgement.reason)
      .Text("end", judgement.outcome ? ToText(*judgement.outcome) : "")
      .Seconds("seconds", judgement.seconds);
  AddFindings(judgement, line);
  if (judgement.outcome) AddOutcome(definition, *judgement.outcome, line);
  Write(fd, line);
}

}  // namespace oomgate
