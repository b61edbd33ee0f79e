// SPDX-License-Identifier: Apache-2.0
// Walks the text once (simdjson), so that every value knows the line that it
// stands in. The same fields as oomgate/model/json.h writes.
#include "runner/compare/load.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <utility>

#include "oomgate/model/json.h"
#include "runner/error.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
namespace ondemand = simdjson::ondemand;

// What is being read, for the one line that says what is wrong with it.
class Reader {
 public:
  Reader(const simdjson::padded_string& text, const std::string& name)
      : text_(text), name_(name) {}

  [[noreturn]] void Refuse(ondemand::value value, const std::string& what) {
    const std::string_view token = value.raw_json_token();
    const auto before = static_cast<std::size_t>(token.data() - text_.data());
    std::string shown(token.substr(0, token.find_first_of(",\n")));
    if (shown.size() > 40) shown = shown.substr(0, 37) + "...";
    throw UserError(fmt::format("{}:{}: {}: is {}, {}", name_, LineAt(before),
                                path_, shown, what));
  }

  // Damage, not a wrong value: the other parser tells where it begins.
  [[noreturn]] void Damaged(simdjson::error_code error) const {
    std::string why = simdjson::error_message(error);
    std::size_t line = LineAt(text_.size());
    try {
      const std::string_view text(text_.data(), text_.size());
      const Json whole = Json::parse(text);
    } catch (const Json::parse_error& parse_error) {
      line = LineAt(std::min(parse_error.byte, text_.size()));
      const std::string what = parse_error.what();
      const std::size_t colon = what.find(": ");
      why = colon == std::string::npos ? what : what.substr(colon + 2);
    } catch (const Json::exception&) {
    }
    throw UserError(fmt::format("{}:{}: {}: no whole JSON text: {}", name_,
                                line, path_.empty() ? "run" : path_, why));
  }

  [[noreturn]] void Missing(const std::string& field) const {
    throw UserError(fmt::format("{}: {}: is not there", name_,
                                path_.empty() ? field : path_ + "." + field));
  }

  template <typename T>
  T Checked(simdjson::simdjson_result<T> result) const {
    T value;
    const simdjson::error_code error = std::move(result).get(value);
    if (error != simdjson::SUCCESS) Damaged(error);
    return value;
  }

  // What `act` reads is of the field with that name.
  template <typename Act>
  void Within(std::string_view name, Act act) {
    const std::size_t length = path_.size();
    if (length > 0) path_ += '.';
    path_ += name;
    act();
    path_.resize(length);
  }

  // Calls `each(name, value)` for every member. What it leaves is passed over.
  template <typename Each>
  void Members(ondemand::value value, Each each) {
    ondemand::object object;
    const auto error = value.get_object().get(object);
    if (error == simdjson::INCORRECT_TYPE) Refuse(value, "must be an object");
    if (error != simdjson::SUCCESS) Damaged(error);
    for (auto member : object) {
      ondemand::field field = Checked(std::move(member));
      const std::string_view name = Checked(field.unescaped_key());
      Within(name, [&] { each(name, field.value()); });
    }
  }
  template <typename Each>
  void Items(ondemand::value value, Each each) {
    ondemand::array array;
    const auto error = value.get_array().get(array);
    if (error == simdjson::INCORRECT_TYPE) Refuse(value, "must be an array");
    if (error != simdjson::SUCCESS) Damaged(error);
    const std::size_t length = path_.size();
    std::size_t index = 0;
    for (auto item : array) {
      path_ += fmt::format("[{}]", index++);
      each(Checked(item));
      path_.resize(length);
    }
  }

  std::string Text(ondemand::value value) {
    return std::string(Scalar<std::string_view>(value, "must be a text"));
  }
  double Number(ondemand::value value) {
    return Scalar<double>(value, "must be a number");
  }
  int Count(ondemand::value value) {
    return static_cast<int>(
        Scalar<std::int64_t>(value, "must be a whole number"));
  }
  bool Truth(ondemand::value value) {
    return Scalar<bool>(value, "must be true or false");
  }
  template <typename Enum, std::size_t N>
  Enum Word(const char* const (&names)[N], ondemand::value value) {
    const std::string text = Text(value);
    const auto* const at = std::find(std::begin(names), std::end(names), text);
    if (at == std::end(names)) {
      std::string words;
      for (const char* name : names) {
        words += (words.empty() ? "" : ", ") + std::string(name);
      }
      Refuse(value, "must be one of " + words);
    }
    return static_cast<Enum>(at - std::begin(names));
  }

 private:
  std::size_t LineAt(std::size_t offset) const {
    return 1 + static_cast<std::size_t>(
                   std::count(text_.data(), text_.data() + offset, '\n'));
  }

  template <typename T>
  T Scalar(ondemand::value value, const char* must) {
    T scalar;
    const auto error = value.get(scalar);
    if (error == simdjson::INCORRECT_TYPE ||
        error == simdjson::NUMBER_OUT_OF_RANGE ||
        error == simdjson::NUMBER_ERROR) {
      Refuse(value, must);
    }
    if (error != simdjson::SUCCESS) Damaged(error);
    return scalar;
  }

  const simdjson::padded_string& text_;
  const std::string& name_;
  std::string path_;  // "results[3].metrics.rss"
};

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
    if (schema == kSchema) return;
    const char* remedy = schema > kSchema
                             ? "take the oomgate that wrote it, or a newer one"
                             : "run again, or bless again";
    in.Refuse(value,
              fmt::format("this oomgate reads schema {}: {}", kSchema, remedy));
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
