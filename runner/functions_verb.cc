// SPDX-License-Identifier: Apache-2.0
// oomgate functions: in which functions of the kernel a cost changed between
// two runs that were profiled.
#include <fmt/core.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "oomgate/model/json.h"
#include "runner/cli.h"
#include "runner/error.h"
#include "runner/profile/change.h"
#include "runner/profile/profile_file.h"

namespace oomgate {
namespace {

struct FunctionsOptions {
  std::string before;
  std::string now;
  std::string instance;
  std::size_t top = 20;
  std::string format = "human";
};

// Throws UserError where the two do not say the same thing.
void CheckScope(const Profile& before, const Profile& now) {
  if (before.scope == now.scope) return;
  throw UserError(now.instance +
                  ": one run counted the measured deed, the "
                  "other the whole guest: run both with the same oomgate");
}

Json ToJson(const Profile& before, const Profile& now) {
  Json functions = Json::array();
  for (const FunctionChange& change : Changes(before, now)) {
    functions.push_back({{"function", change.function},
                         {"before", change.before},
                         {"now", change.now},
                         {"change", change.change()}});
  }
  return {{"instance", now.instance},
          {"scope", now.scope},
          {"before", before.Sum()},
          {"now", now.Sum()},
          {"functions", std::move(functions)}};
}

void Print(const FunctionsOptions& options) {
  const std::map<std::string, Profile> before = LoadProfiles(options.before);
  const std::map<std::string, Profile> now = LoadProfiles(options.now);
  std::string text;
  Json list = Json::array();
  for (const auto& [instance, profile] : now) {
    if (!options.instance.empty() && instance != options.instance) continue;
    const auto it = before.find(instance);
    if (it == before.end()) continue;
    CheckScope(it->second, profile);
    list.push_back(ToJson(it->second, profile));
    text += (text.empty() ? "" : "\n") +
            ChangeTable(it->second, profile, options.top);
  }
  if (list.empty()) {
    throw UserError((options.instance.empty() ? "no instance was"
                                              : options.instance + " was not") +
                    " profiled in both " + options.before + " and " +
                    options.now);
  }
  if (options.format == "json") text = Json{{"instances", list}}.dump(2) + "\n";
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void AddFunctionsVerb(CLI::App& app, int& exit_code) {
  const auto o = std::make_shared<FunctionsOptions>();
  CLI::App* verb = app.add_subcommand(
      "functions", "in which kernel functions a cost changed between two runs");
  verb->add_option("before", o->before,
                   "folder of a run with --profile-functions")
      ->required();
  verb->add_option("now", o->now, "that of the other")->required();
  verb->add_option("instance", o->instance,
                   "its name, as `oomgate list` shows it; default: all");
  verb->add_option("--top", o->top, "rows of a table")->capture_default_str();
  AddFormatOption(*verb, o->format);
  verb->callback([o, &exit_code] {
    Print(*o);
    exit_code = kExitOk;
  });
}

}  // namespace oomgate
