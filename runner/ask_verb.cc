// SPDX-License-Identifier: Apache-2.0
// oomgate ask: questions of memory, answered from /proc and the kernel's rules.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "oomgate/model/json.h"
#include "runner/ask/answer.h"
#include "runner/cli.h"
#include "runner/error.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

constexpr const char* kVerdicts[] = {"yes", "no", "depends"};

struct Options {
  std::string rss;
  std::string dirty;
  int pid = 0;
  int top = 10;
  bool user = false;
  std::string format = "human";
};

// A list under an answer: names, and what is to be said of each.
using Lines = std::vector<std::pair<std::string, std::string>>;

int Tell(const Answer& answer, const Lines& lines, const Options& options) {
  const char* verdict = kVerdicts[static_cast<int>(answer.verdict)];
  if (options.format == "json") {
    Json json{{"verdict", verdict},        {"answer", answer.answer},
              {"rule", answer.rule},       {"certainty", answer.certainty},
              {"numbers", Json::object()}, {"list", Json::array()}};
    for (const auto& [name, value] : answer.numbers) {
      json["numbers"][name] = value;
    }
    for (const auto& [name, what] : lines) {
      json["list"].push_back({{"name", name}, {"reason", what}});
    }
    fmt::print("{}\n",
               json.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}\n", Printable(answer.answer));
    for (const auto& [name, what] : lines) {
      fmt::print("  {:<28} {}\n", Printable(name), Printable(what));
    }
    fmt::print("numbers:\n");
    for (const auto& [name, value] : answer.numbers) {
      fmt::print("  {:<28} {}\n", name, value);
    }
    fmt::print("rule: {}\ncertainty: {}\n", answer.rule, answer.certainty);
  }
  return answer.verdict == Answer::Verdict::kNo ? kExitFailure : kExitOk;
}

Bytes SizeOf(const char* option, const std::string& text) {
  const auto size = ParseBytes(text);
  if (!size) {
    throw UserError(
        fmt::format("{}={}: not a size; write 512m or 20g", option, text));
  }
  return *size;
}

int Fork(const Options& options) {
  ForkQuestion question;
  question.asker.admin = !options.user;
  if (options.pid != 0) {
    const auto process = ReadProcessFacts(options.pid, true);
    if (!process) {
      throw UserError(
          fmt::format("--pid={}: there is no such process", options.pid));
    }
    question.exact = process->charged.has_value();
    question.size = process->charged.value_or(process->data);
    question.largest = process->largest_charged.value_or(process->data);
    question.asker.address_space = process->address_space;
    question.tables = process->page_tables;
  }
  if (!options.rss.empty()) {  // as it will be, instead of as it is
    question.exact = false;
    question.tables.reset();
    question.size = question.largest = SizeOf("--rss", options.rss);
    question.asker.address_space = question.size;
  }
  if (options.rss.empty() && options.pid == 0) {
    throw UserError("ask fork: of what? name --rss SIZE or --pid N");
  }
  if (!options.dirty.empty()) question.dirty = SizeOf("--dirty", options.dirty);
  // Without --pid those of this command.
  question.groups = ReadGroupFacts(options.pid);
  return Tell(AskFork(ReadMemoryFacts(), question), {}, options);
}

int Commit(const Options& options) {
  return Tell(AskCommit(ReadMemoryFacts(), {!options.user, {}}), {}, options);
}

int Oom(const Options& options) {
  const MemoryFacts facts = ReadMemoryFacts();
  const auto ranked = RankVictims(facts, ReadAllProcesses());
  Lines lines;
  for (const Ranked& r : ranked) {
    if (static_cast<int>(lines.size()) == options.top) break;
    std::string what = fmt::format("{} points: {}", r.points, r.reason);
    if (r.process.oom_score) {
      what += fmt::format("; the kernel's oom_score {}", *r.process.oom_score);
    }
    lines.emplace_back(fmt::format("{} {}", r.process.pid, r.process.name),
                       std::move(what));
  }
  return Tell(AskOom(facts, ranked), lines, options);
}

int Mode2(const Options& options) {
  const MemoryFacts facts = ReadMemoryFacts();
  const auto refused = RefusedByMode2(facts, ReadAllProcesses());
  Lines lines;
  for (const Refused& r : refused) {
    if (static_cast<int>(lines.size()) == options.top) break;
    lines.emplace_back(fmt::format("{} {}", r.process.pid, r.process.name),
                       fmt::format("a fork of {} lacks {}",
                                   ToText(r.process.data), ToText(r.lacks)));
  }
  return Tell(AskMode2(facts, refused), lines, options);
}

}  // namespace

void AddAskVerb(CLI::App& app, int& exit_code) {
  const auto o = std::make_shared<Options>();
  CLI::App* ask = app.add_subcommand(
      "ask",
      "what this host's memory allows, by the kernel's own rules; exit "
      "1 where the answer is no");
  ask->require_subcommand(1);
  const auto add = [&](const char* name, const char* what,
                       int (*answer)(const Options&)) {
    CLI::App* question = ask->add_subcommand(name, what);
    AddFormatOption(*question, o->format);
    question->callback([o, answer, &exit_code] { exit_code = answer(*o); });
    return question;
  };
  const auto add_user = [&](CLI::App* question) {
    question->add_flag("--user", o->user,
                       "it has no CAP_SYS_ADMIN: the administrator's reserve "
                       "is not for it");
  };
  CLI::App* fork = add("fork", "will fork of a process succeed?", Fork);
  fork->add_option("--rss", o->rss, "its private writable memory: 20g")
      ->option_text("SIZE");
  fork->add_option("--dirty", o->dirty, "written while both live: 2g")
      ->option_text("SIZE");
  fork->add_option("--pid", o->pid, "that process, as it is mapped now")
      ->check(CLI::PositiveNumber);
  add_user(fork);
  add_user(add("commit", "how much can still be committed?", Commit));
  for (CLI::App* list :
       {add("oom", "who dies first?", Oom),
        add("mode2", "what would overcommit mode 2 break?", Mode2)}) {
    list->add_option("--top", o->top, "lines of the list")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
  }
}

}  // namespace oomgate
