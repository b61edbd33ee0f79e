// SPDX-License-Identifier: Apache-2.0
// The model as JSON (nlohmann). Reading names the field that is wrong: callers
// catch nlohmann::json::exception or std::invalid_argument.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "oomgate/model/case_info.h"
#include "oomgate/model/environment.h"
#include "oomgate/model/profile.h"
#include "oomgate/model/result.h"
#include "oomgate/model/run.h"

namespace oomgate {

using Json = nlohmann::json;

// The enumerator whose text is `text`.
template <typename Enum, std::size_t N>
Enum EnumFromText(const char* const (&names)[N], const std::string& text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (text == names[i]) return static_cast<Enum>(i);
  }
  throw std::invalid_argument("'" + text + "' is not one of " + names[0] +
                              " … " + names[N - 1]);
}

inline void to_json(Json& j, Bytes b) { j = b.count; }
inline void from_json(const Json& j, Bytes& b) { j.get_to(b.count); }
inline void to_json(Json& j, const Params& p) { j = p.values(); }
inline void from_json(const Json& j, Params& p) {
  p = Params(j.get<Params::Map>());
}

inline void to_json(Json& j, Verdict v) { j = ToText(v); }
inline void from_json(const Json& j, Verdict& v) {
  v = EnumFromText<Verdict>(kVerdictNames, j.get<std::string>());
}
inline void to_json(Json& j, Blast b) { j = ToText(b); }
inline void from_json(const Json& j, Blast& b) {
  b = EnumFromText<Blast>(kBlastNames, j.get<std::string>());
}
inline void to_json(Json& j, Better b) { j = ToText(b); }
inline void from_json(const Json& j, Better& b) {
  b = EnumFromText<Better>(kBetterNames, j.get<std::string>());
}
inline void to_json(Json& j, Suite s) { j = ToText(s); }
inline void from_json(const Json& j, Suite& s) {
  s = EnumFromText<Suite>(kSuiteNames, j.get<std::string>());
}
inline void to_json(Json& j, Kind k) { j = ToText(k); }
inline void from_json(const Json& j, Kind& k) {
  k = EnumFromText<Kind>(kKindNames, j.get<std::string>());
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Setting, path, value)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Needs, memory, swap, no_swap,
                                                cpus, nodes, cgroup, kernel_log,
                                                alone, disk, settings, box)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Metric, name, better, unit,
                                                kind, tolerance, cause)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Explanation, claim, deed,
                                                functions, look_at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InstanceInfo, params, needs,
                                                suite, timeout_seconds, oracle)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CaseInfo, id, summary, explains,
                                                blast, panics, steps, meta,
                                                metrics, instances)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(FailedCheck, step, value, seen,
                                                expected)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Finding, what, text)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LeftOut, step, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(
    OomReport, constraint, nodemask, oom_memcg, task_memcg, invoked_by, victim,
    pid, total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, pgtables_kb,
    oom_score_adj, global)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(
    Start, place, shape, kernel, version, accelerator, qemu, kernel_digest,
    config_digest, cpu, command_line, taint, boot_seconds, mem_total,
    swap_total, cpus, nodes, settings)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Shard, index, count, plan,
                                                positions)

// Counts are whole numbers, however large: 3, not 3.0.
inline Json Numbers(const std::map<std::string, double>& values) {
  Json j = Json::object();
  for (const auto& [name, value] : values) {
    const bool whole = std::abs(value) < 1e15 && std::trunc(value) == value;
    j[name] = whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
  }
  return j;
}

// What a result found, where it found something.
inline void AddFindings(Json& j, const Result& r) {
  if (!r.checks.empty()) j["checks"] = r.checks;
  if (!r.also.empty()) j["also"] = r.also;
  if (!r.left_out.empty()) j["left_out"] = r.left_out;
}

// Lists, `oom` and `console` are there only where there is something to say.
inline void to_json(Json& j, const Result& r) {
  j = Json{{"id", r.id},
           {"params", r.params},
           {"verdict", r.verdict},
           {"reason", r.reason},
           {"end", r.end},
           {"place", r.place},
           {"shape", r.shape},
           {"kernel", r.kernel},
           {"seconds", r.seconds},
           {"metrics", Numbers(r.metrics)},
           {"values", Numbers(r.values)}};
  AddFindings(j, r);
  if (r.oom) j["oom"] = *r.oom;
  if (!r.console.empty()) j["console"] = r.console;
}
inline void from_json(const Json& j, Result& r) {
  j.at("id").get_to(r.id);
  j.at("params").get_to(r.params);
  j.at("verdict").get_to(r.verdict);
  r.reason = j.value("reason", "");
  r.checks = j.value("checks", r.checks);
  r.also = j.value("also", r.also);
  r.left_out = j.value("left_out", r.left_out);
  r.end = j.value("end", "");
  r.place = j.value("place", "");
  r.shape = j.value("shape", "");
  r.kernel = j.value("kernel", "");
  r.seconds = j.value("seconds", 0.0);
  r.metrics = j.value("metrics", r.metrics);
  r.values = j.value("values", r.values);
  if (j.contains("oom")) r.oom = j.at("oom").get<OomReport>();
  r.console = j.value("console", "");
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Profile, instance, shape, kernel, scope,
                                   functions)

inline void to_json(Json& j, const Run& r) {
  j = Json{{"schema", r.schema},   {"oomgate", r.oomgate},
           {"started", r.started}, {"finished", r.finished},
           {"command", r.command}, {"interrupted", r.interrupted},
           {"starts", r.starts},   {"metrics", r.metrics},
           {"results", r.results}};
  if (r.shard) j["shard"] = *r.shard;
  if (r.invert) j["invert"] = true;
  if (!r.without.empty()) j["without"] = r.without;
}
inline void from_json(const Json& j, Run& r) {
  j.at("schema").get_to(r.schema);
  if (!IsReadable(r.schema)) {
    throw std::invalid_argument(
        "schema " + std::to_string(r.schema) + ", this program reads " +
        std::to_string(kOldestSchema) + " to " + std::to_string(kSchema));
  }
  r.oomgate = j.value("oomgate", "");
  r.started = j.value("started", "");
  r.finished = j.value("finished", "");
  r.command = j.value("command", "");
  r.interrupted = j.value("interrupted", false);
  r.invert = j.value("invert", false);
  r.without = j.value("without", "");
  if (j.contains("shard")) r.shard = j.at("shard").get<Shard>();
  r.starts = j.value("starts", r.starts);
  r.metrics = j.value("metrics", r.metrics);
  j.at("results").get_to(r.results);
}

}  // namespace oomgate
