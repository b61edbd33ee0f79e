// SPDX-License-Identifier: Apache-2.0
// Walks the text once (simdjson), so that every value knows the line that it
// stands in. The same fields as oomgate/model/json.h writes.
#include "runner/compare/load.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <utility>

#include "runner/compare/json_reader.h"
#include "runner/error.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
namespace ondemand = simdjson::ondemand;
using Reader = JsonReader;

std::map<std::string, std::string> ReadTexts(Reader& in,
                                             ondemand::value value) {
  std::map<std::string, std::string> texts;
  in.Members(value, [&](std::string_view name, ondemand::value text) {
    texts.emplace(name, in.Text(text));
  });
  return texts;
}

Start ReadStart(Reader& in, ondemand::value value) {
  Start s;
  in.Members(value, [&](std::string_view name, ondemand::value field) {
    for (const auto& [known, text] :
         {std::pair{"place", &s.place}, std::pair{"shape", &s.shape},
          std::pair{"kernel", &s.kernel}, std::pair{"version", &s.version},
          std::pair{"accelerator", &s.accelerator}, std::pair{"qemu", &s.qemu},
          std::pair{"kernel_digest", &s.kernel_digest},
          std::pair{"config_digest", &s.config_digest},
          std::pair{"cpu", &s.cpu}, std::pair{"command_line", &s.command_line},
          std::pair{"taint", &s.taint}}) {
      if (name == known) *text = in.Text(field);
    }
    if (name == "boot_seconds") s.boot_seconds = in.Number(field);
    if (name == "mem_total") s.mem_total = in.Number(field);
    if (name == "swap_total") s.swap_total = in.Number(field);
    if (name == "cpus") s.cpus = in.Count(field);
    if (name == "nodes") s.nodes = in.Count(field);
    if (name == "settings") s.settings = ReadTexts(in, field);
  });
  return s;
}

Metric ReadMetric(Reader& in, ondemand::value value) {
  Metric m;
  in.Members(value, [&](std::string_view name, ondemand::value field) {
    if (name == "name") m.name = in.Text(field);
    if (name == "unit") m.unit = in.Text(field);
    if (name == "cause") m.cause = in.Text(field);
    if (name == "tolerance") m.tolerance = in.Number(field);
    if (name == "kind") m.kind = in.Word<Kind>(kKindNames, field);
    if (name == "better") m.better = in.Word<Better>(kBetterNames, field);
  });
  if (m.name.empty()) in.Missing("name");
  return m;
}

Shard ReadShard(Reader& in, ondemand::value value) {
  Shard s;
  in.Members(value, [&](std::string_view name, ondemand::value field) {
    if (name == "index") s.index = in.Count(field);
    if (name == "count") s.count = in.Count(field);
    if (name == "plan") s.plan = in.Text(field);
    if (name != "positions") return;
    in.Items(field, [&](ondemand::value position) {
      s.positions.push_back(in.Count(position));
    });
  });
  return s;
}

// A list of objects whose members are all texts: `set(item, name, text)`.
template <typename Item, typename Set>
std::vector<Item> ReadList(Reader& in, ondemand::value value, Set set) {
  std::vector<Item> list;
  in.Items(value, [&](ondemand::value member) {
    Item& item = list.emplace_back();
    for (const auto& [name, text] : ReadTexts(in, member)) {
      set(item, name, text);
    }
  });
  return list;
}

void ReadFindings(Reader& in, std::string_view field, ondemand::value value,
                  Result& r) {
  using Text = const std::string&;
  if (field == "checks") {
    r.checks = ReadList<FailedCheck>(
        in, value, [](FailedCheck& check, Text name, Text text) {
          if (name == "step") check.step = text;
          if (name == "value") check.value = text;
          if (name == "seen") check.seen = text;
          if (name == "expected") check.expected = text;
        });
  } else if (field == "also") {
    r.also = ReadList<Finding>(in, value, [](Finding& f, Text name, Text text) {
      if (name == "what") f.what = text;
      if (name == "text") f.text = text;
    });
  } else if (field == "left_out") {
    r.left_out =
        ReadList<LeftOut>(in, value, [](LeftOut& out, Text name, Text text) {
          if (name == "step") out.step = text;
          if (name == "reason") out.reason = text;
        });
  }
}

Result ReadResult(Reader& in, ondemand::value value) {
  Result r;
  bool judged = false;
  in.Members(value, [&](std::string_view name, ondemand::value field) {
    if (name == "id") {
      r.id = in.Text(field);
    } else if (name == "params") {
      Params::Map params;
      for (auto& [key, text] : ReadTexts(in, field)) params[key] = text;
      r.params = Params(std::move(params));
    } else if (name == "verdict") {
      r.verdict = in.Word<Verdict>(kVerdictNames, field);
      judged = true;
    } else if (name == "reason") {
      r.reason = in.Text(field);
    } else if (name == "end") {
      r.end = in.Text(field);
    } else if (name == "place") {
      r.place = in.Text(field);
    } else if (name == "shape") {
      r.shape = in.Text(field);
    } else if (name == "kernel") {
      r.kernel = in.Text(field);
    } else if (name == "seconds") {
      r.seconds = in.Number(field);
    } else if (name == "metrics") {
      in.Members(field, [&](std::string_view metric, ondemand::value number) {
        r.metrics.emplace_hint(r.metrics.end(), metric, in.Number(number));
      });
    } else {
      ReadFindings(in, name, field, r);
    }
  });
  if (r.id.empty()) in.Missing("id");
  if (!judged) in.Missing("verdict");
  return r;
}

// Before anything else: another schema may be wrong anywhere by this one.
void CheckSchema(Reader& in, ondemand::document& document) {
  ondemand::value value;
  const simdjson::error_code error = document["schema"].get(value);
  if (error == simdjson::NO_SUCH_FIELD) in.Missing("schema");
  if (error == simdjson::INCORRECT_TYPE) return;  // no object at all
  if (error != simdjson::SUCCESS) in.Damaged(error);
  in.Within("schema", [&] {
    const int schema = in.Count(value);
    if (IsReadable(schema)) return;
    const char* remedy = schema > kSchema
                             ? "take the oomgate that wrote it, or a newer one"
                             : "run again, or bless again";
    in.Refuse(value, fmt::format("this oomgate reads schema {} to {}: {}",
                                 kOldestSchema, kSchema, remedy));
  });
}

}  // namespace

Run ParseRun(std::string_view text, const std::string& name) {
  const simdjson::padded_string padded(text);
  Reader in(padded, name);
  // Its buffers serve for file after file.
  thread_local ondemand::parser parser;
  ondemand::document document = in.Checked(parser.iterate(padded));
  CheckSchema(in, document);
  document.rewind();
  Run run;
  bool with_results = false;
  in.Members(in.Checked(document.get_value()), [&](std::string_view field,
                                                   ondemand::value value) {
    if (field == "schema") {
      run.schema = in.Count(value);
    } else if (field == "oomgate") {
      run.oomgate = in.Text(value);
    } else if (field == "started") {
      run.started = in.Text(value);
    } else if (field == "finished") {
      run.finished = in.Text(value);
    } else if (field == "command") {
      run.command = in.Text(value);
    } else if (field == "interrupted") {
      run.interrupted = in.Truth(value);
    } else if (field == "invert") {
      run.invert = in.Truth(value);
    } else if (field == "without") {
      run.without = in.Text(value);
    } else if (field == "shard") {
      run.shard = ReadShard(in, value);
    } else if (field == "starts") {
      in.Items(value, [&](ondemand::value start) {
        run.starts.push_back(ReadStart(in, start));
      });
    } else if (field == "metrics") {
      in.Members(value, [&](std::string_view id, ondemand::value list) {
        auto& metrics = run.metrics[std::string(id)];
        in.Items(list, [&](ondemand::value metric) {
          metrics.push_back(ReadMetric(in, metric));
        });
      });
    } else if (field == "results") {
      in.Items(value, [&](ondemand::value result) {
        run.results.push_back(ReadResult(in, result));
      });
      with_results = true;
    }
  });
  if (document.current_location().error() == simdjson::SUCCESS) {
    in.Damaged(simdjson::TRAILING_CONTENT);
  }
  if (!with_results) in.Missing("results");
  return run;
}

Run LoadRun(const fs::path& file) {
  return ParseRun(LoadBytes(file), file.string());
}

std::vector<fs::path> FindRuns(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    throw UserError(path.string() + ": there is no such file or folder");
  }
  if (!fs::is_directory(path, error)) return {path};
  std::vector<fs::path> files;
  const auto add = [&](const fs::path& folder, auto& again, int depth) -> void {
    if (fs::exists(folder / "run.json", error)) {
      files.push_back(folder / "run.json");
      return;
    }
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.is_directory(error) && depth > 0) {
        again(entry.path(), again, depth - 1);
      } else if (entry.path().extension() == ".json") {
        files.push_back(entry.path());
      }
    }
  };
  add(path, add, 1);
  if (files.empty()) {
    throw UserError(path.string() + ": holds no run.json and no baseline");
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace oomgate
