// SPDX-License-Identifier: Apache-2.0
// Profiles from JSON; each error names the file and the field.
#include "runner/validate/profile.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string_view>

#include "oomgate/model/json.h"
#include "runner/error.h"

namespace oomgate {
namespace {

// The files of runner/profiles, by name, as part of the program.
struct Included {
  const char* name;
  const char* text;
};
constexpr Included kIncluded[] = {
#include "profiles/included.inc"
};

// An object of the file, and where it stands in it.
class Fields {
 public:
  Fields(const Json& object, std::string file, std::string at)
      : object_(object), file_(std::move(file)), at_(std::move(at)) {
    if (!object_.is_object()) Fail("", "must be an object");
  }

  [[noreturn]] void Fail(std::string_view field, std::string_view what) const {
    std::string path = at_;
    if (!field.empty()) path += (path.empty() ? "" : ".") + std::string(field);
    throw UserError(fmt::format("{}: {}: {} (see schema.json of the profiles)",
                                file_, path.empty() ? "the file" : path, what));
  }

  void Only(std::initializer_list<std::string_view> known) const {
    for (const auto& [name, value] : object_.items()) {
      if (std::ranges::find(known, name) == known.end()) {
        Fail(name, fmt::format("no such field; there are {}",
                               fmt::join(known, ", ")));
      }
    }
  }

  bool Has(const char* field) const { return object_.contains(field); }

  std::string Text(const char* field, bool required = true) const {
    if (!Has(field)) {
      if (required) Fail(field, "is missing");
      return "";
    }
    const Json& value = object_.at(field);
    if (!value.is_string()) Fail(field, "must be a text");
    if (required && value.get<std::string>().empty()) {
      Fail(field, "must not be empty");
    }
    return value.get<std::string>();
  }

  std::string Word(const char* field,
                   std::initializer_list<std::string_view> words) const {
    std::string text = Text(field);
    if (std::ranges::find(words, text) == words.end()) {
      Fail(field,
           fmt::format("'{}' is not one of {}", text, fmt::join(words, ", ")));
    }
    return text;
  }

  std::int64_t Number(const char* field) const {
    if (!object_.at(field).is_number_integer()) {
      Fail(field, "must be a whole number");
    }
    return object_.at(field).get<std::int64_t>();
  }

  bool Flag(const char* field) const {
    if (!Has(field)) return false;
    if (!object_.at(field).is_boolean()) Fail(field, "must be true or false");
    return object_.at(field).get<bool>();
  }

  std::vector<std::string> Texts(const char* field) const {
    const Json& list = object_.at(field);
    std::vector<std::string> texts;
    if (!list.is_array() || list.empty()) Fail(field, "must be a list");
    for (const Json& text : list) {
      if (!text.is_string()) Fail(field, "must be a list of texts");
      texts.push_back(text.get<std::string>());
    }
    return texts;
  }

  Fields Object(const char* field) const {
    if (!Has(field)) Fail(field, "is missing");
    return {object_.at(field), file_, (at_.empty() ? "" : at_ + ".") + field};
  }

  const Json& json() const { return object_; }

 private:
  const Json& object_;
  std::string file_;
  std::string at_;
};

Wanted WantedOf(const Fields& fields) {
  fields.Only({"equals", "at_least", "at_most", "one_of", "contains"});
  if (fields.json().size() != 1) {
    fields.Fail("", "must say exactly one thing, such as \"equals\"");
  }
  using Kind = Wanted::Kind;
  if (fields.Has("equals")) return {Kind::kEquals, {fields.Text("equals")}};
  if (fields.Has("contains")) {
    return {Kind::kContains, {fields.Text("contains")}};
  }
  if (fields.Has("one_of")) return {Kind::kOneOf, fields.Texts("one_of")};
  if (fields.Has("at_least")) {
    return {Kind::kAtLeast, {}, fields.Number("at_least")};
  }
  return {Kind::kAtMost, {}, fields.Number("at_most")};
}

KnobCheck KnobOf(const Fields& fields) {
  fields.Only({"path", "field", "wanted", "must_exist"});
  KnobCheck knob{fields.Text("path"), fields.Text("field", false),
                 WantedOf(fields.Object("wanted")), fields.Flag("must_exist")};
  if (!knob.path.starts_with("/proc/") && !knob.path.starts_with("/sys/")) {
    fields.Fail("path", "must be below /proc or /sys");
  }
  return knob;
}

ProcessCheck ProcessOf(const Fields& fields) {
  fields.Only({"process", "which", "file", "field", "wanted"});
  ProcessCheck check{fields.Text("process"), ProcessCheck::Which::kLeader,
                     fields.Text("file"), fields.Text("field", false),
                     WantedOf(fields.Object("wanted"))};
  if (fields.Word("which", {"leader", "children"}) == "children") {
    check.which = ProcessCheck::Which::kChildren;
  }
  if (check.file.find('/') != std::string::npos) {
    fields.Fail("file", "must be the name of a file in /proc/<pid>");
  }
  return check;
}

ProbeCheck ProbeOf(const Fields& fields) {
  fields.Only({"case", "params", "kills"});
  ProbeCheck probe{{fields.Text("case"), {}}, fields.Flag("kills")};
  if (fields.Has("params")) {
    const Fields params = fields.Object("params");
    Params::Map values;
    for (const auto& [name, value] : params.json().items()) {
      values[name] = params.Text(name.c_str());
    }
    probe.instance.params = Params(std::move(values));
  }
  return probe;
}

Expectation ExpectationOf(const Fields& fields) {
  fields.Only({"name", "knob", "process", "probe", "severity", "source",
               "remedy", "cost"});
  Expectation expectation;
  expectation.name = fields.Text("name");
  expectation.warning =
      fields.Word("severity", {"warning", "fail"}) == "warning";
  expectation.source = fields.Text("source");
  expectation.remedy = fields.Text("remedy");
  expectation.cost = fields.Text("cost");
  const int kinds = static_cast<int>(fields.Has("knob")) +
                    static_cast<int>(fields.Has("process")) +
                    static_cast<int>(fields.Has("probe"));
  if (kinds != 1) {
    fields.Fail("", "must have exactly one of knob, process and probe");
  }
  if (fields.Has("knob")) expectation.check = KnobOf(fields.Object("knob"));
  if (fields.Has("process")) {
    expectation.check = ProcessOf(fields.Object("process"));
  }
  if (fields.Has("probe")) expectation.check = ProbeOf(fields.Object("probe"));
  return expectation;
}

}  // namespace

HostProfile ParseProfile(const std::string& text, const std::string& file) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw UserError(file + ": is no JSON: " + error.what());
  }
  const Fields fields(json, file, "");
  fields.Only({"name", "about", "checks"});
  HostProfile profile{fields.Text("name"), fields.Text("about"), {}};
  if (!fields.Has("checks") || !json.at("checks").is_array() ||
      json.at("checks").empty()) {
    fields.Fail("checks", "must be a list of checks");
  }
  int index = 0;
  for (const Json& check : json.at("checks")) {
    profile.checks.push_back(
        ExpectationOf({check, file, fmt::format("checks[{}]", index++)}));
  }
  return profile;
}

HostProfile FindProfile(const std::string& name_or_file) {
  for (const Included& included : kIncluded) {
    if (name_or_file == included.name) {
      return ParseProfile(included.text, name_or_file + ".json");
    }
  }
  std::ifstream in(name_or_file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || text.empty()) {
    throw UserError(fmt::format(
        "--profile={}: neither a file that can be read nor one of {}",
        name_or_file, fmt::join(ProfileNames(), ", ")));
  }
  return ParseProfile(text, name_or_file);
}

std::vector<std::string> ProfileNames() {
  std::vector<std::string> names;
  for (const Included& included : kIncluded) names.emplace_back(included.name);
  return names;
}

}  // namespace oomgate
