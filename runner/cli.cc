// SPDX-License-Identifier: Apache-2.0
// Verbs together, and how an error becomes one line and an exit code.
#include "runner/cli.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "runner/bisect/supervisor.h"
#include "runner/cancel.h"
#include "runner/error.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

void Say(const std::string& text) {
  std::fputs(("oomgate: " + PrintableLines(text, "")).c_str(), stderr);
}

// `oomgate run | head` must not kill a run without cleaning up. A handler, as
// it is reset by exec; an ignored signal would stay ignored in children.
void SurviveClosedPipes() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGPIPE, &action, nullptr);
}

// A reader that went away wanted no more; a disk that is full is a loss.
bool StdoutLost() {
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  struct stat out {};
  return failed && ::fstat(STDOUT_FILENO, &out) == 0 &&
         !S_ISFIFO(out.st_mode) && !S_ISSOCK(out.st_mode);
}

// Of a wrong one the parser only says that a verb is missing.
bool IsVerb(const CLI::App& app, const std::string& word) {
  if (word.starts_with('-')) return true;  // an option: for the parser
  for (const CLI::App* verb : app.get_subcommands({})) {
    if (verb->get_name() == word) return true;
  }
  return false;
}

std::string Verbs(const CLI::App& app) {
  std::string names;
  for (const CLI::App* verb : app.get_subcommands({})) {
    names += (names.empty() ? "" : ", ") + verb->get_name();
  }
  return names;
}

}  // namespace

void AddFormatOption(CLI::App& verb, std::string& format) {
  verb.add_option("--format", format, "human or json")
      ->check(CLI::IsMember({"human", "json"}))
      ->capture_default_str();
}

void AddSuiteOption(CLI::App& verb, Suite& suite) {
  const std::map<std::string, Suite> names = {{"quick", Suite::kQuick},
                                              {"default", Suite::kDefault},
                                              {"nightly", Suite::kNightly}};
  verb.add_option("--suite", suite,
                  "quick, default or nightly: each holds the ones before it")
      ->transform(CLI::CheckedTransformer(names))
      ->option_text("SUITE")
      ->default_str(ToText(suite));
}

CLI::Option* AddDurationsOption(CLI::App& verb,
                                std::vector<std::string>& runs) {
  return verb
      .add_option("--durations", runs,
                  "an earlier run whose durations make shards of equal length; "
                  "may be given several times, and alike for every shard")
      ->expected(1)
      ->take_all()
      ->option_text("RUN");
}

void AddVersionVerb(CLI::App& app, int& exit_code) {
  app.add_subcommand("version", "print the version")->callback([&exit_code] {
    std::puts("oomgate " OOMGATE_VERSION);
    exit_code = kExitOk;
  });
}

namespace {

int RunVerb(int argc, char** argv) {
  SurviveClosedPipes();
  EndOnCtrlC();
  CLI::App app("A regression gate for how Linux behaves at the edge of memory.",
               "oomgate");
  app.require_subcommand(1);
  app.set_version_flag("--version", "oomgate " OOMGATE_VERSION);
  int exit_code = kExitOk;
  AddListVerb(app, exit_code);
  AddExplainVerb(app, exit_code);
  const std::string command =
      ShellQuoted(std::vector<std::string>(argv, argv + argc));
  AddRunVerb(app, exit_code, command);
  AddPlanVerb(app, exit_code);
  AddMergeVerb(app, exit_code, command);
  AddCompareVerb(app, exit_code, command);
  AddBaselineVerb(app, exit_code);
  AddCalibrateVerb(app, exit_code, command);
  AddHistoryVerb(app, exit_code);
  AddFunctionsVerb(app, exit_code);
  AddBisectVerb(app, exit_code, command);
  AddDoctorVerb(app, exit_code);
  AddKernelVerb(app, exit_code);
  AddCacheVerb(app, exit_code);
  AddReportVerb(app, exit_code);
  AddAskVerb(app, exit_code);
  AddValidateVerb(app, exit_code);
  AddVersionVerb(app, exit_code);
  if (argc > 1 && !IsVerb(app, argv[1])) {
    Say(fmt::format("no verb '{}'; there are {}", argv[1], Verbs(app)));
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
    if (StdoutLost()) {
      throw UserError("stdout cannot be written: is the disk full?");
    }
    return exit_code;
  } catch (const CLI::Success& asked_for) {  // --help, --version
    return app.exit(asked_for);
  } catch (const CLI::ParseError& error) {
    Say(std::string(error.what()) + " (oomgate --help shows the usage)");
    return kExitUsage;
  } catch (const UserError& error) {
    Say(error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    Say(error.what());
    return kExitHarness;
  }
}

}  // namespace

int Main(int argc, char** argv) {
  // Whatever happens in it must leave a code that `git bisect run` understands.
  if (argc > 2 && argv[1] == std::string_view("bisect") &&
      argv[2] == std::string_view("step")) {
    return Supervised([argc, argv] { return RunVerb(argc, argv); });
  }
  return RunVerb(argc, argv);
}

}  // namespace oomgate
