// SPDX-License-Identifier: Apache-2.0
// The checks that oracles are made of: how each looks at an outcome, and its
// words for what it expects and sees.
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <vector>

#include "cases/kit/oom_report.h"
#include "oomgate/outcome.h"

namespace oomgate {
namespace {

using testing::Matcher;

template <typename T>
std::string Print(const T& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

// "4 MiB" for "is equal to 4 MiB", ">= 2" for "is >= 2".
template <typename T>
std::string Describe(const Matcher<T>& matcher) {
  std::ostringstream text;
  matcher.DescribeTo(&text);
  std::string words = text.str();
  for (const std::string_view start : {"is equal to ", "is "}) {
    if (words.starts_with(start)) return words.substr(start.size());
  }
  return words;
}

bool IsErrno(const std::string& name) { return name.ends_with(kErrno); }

// "12" as "ENOMEM"; other words stay.
std::string NamedErrno(const std::string& words) {
  if (words.empty() || words.find_first_not_of("0123456789") != words.npos) {
    return words;
  }
  const int number = std::atoi(words.c_str());
  const char* const name = number == 0 ? nullptr : strerrorname_np(number);
  return name == nullptr ? words : name;
}

using Numbers = std::vector<std::int64_t>;

// Something made of numbers of the outcome.
template <typename T, typename Make>
Oracle OfValues(const std::string& what, const std::vector<std::string>& names,
                Matcher<T> inner, Make make) {
  const auto words = [is_errno = IsErrno(what)](const std::string& text) {
    return is_errno ? NamedErrno(text) : text;
  };
  return Check{
      what, words(Describe(inner)),
      [=](const View& view) -> std::optional<std::string> {
        Numbers numbers;
        for (const std::string& name : names) {
          const auto number = view.Value(name);
          if (!number) {
            return (names.size() == 1 ? "" : name + " was ") + "never set";
          }
          numbers.push_back(*number);
        }
        const T value = make(numbers);
        if (inner.Matches(value)) return std::nullopt;
        std::string seen = words(Print(value));
        if (names.size() == 1) return seen;
        for (std::size_t i = 0; i < names.size(); ++i) {
          seen += (i == 0 ? " (" : ", ") + names[i] + " " + Print(numbers[i]);
        }
        return seen + ")";
      },
      names};
}

// One thing taken out of the OOM report.
template <typename T, typename Take>
Oracle Reported(const std::string& what, Matcher<T> inner, Take take) {
  return Check{"OOM report's " + what, Describe(inner),
               [=](const View& view) -> std::optional<std::string> {
                 if (!view.outcome.oom) return "no OOM kill was reported";
                 const T value = take(*view.outcome.oom);
                 if (inner.Matches(value)) return std::nullopt;
                 return Print(value);
               }};
}

// A number of the kernel's report, by name; nothing without one.
std::optional<std::int64_t> ReportNumber(const Outcome& outcome,
                                         const std::string& name) {
  if (!outcome.oom) return std::nullopt;
  const OomReport& report = *outcome.oom;
  constexpr std::string_view kTable = "table.";
  const bool in_table = name.starts_with(kTable);
  const std::map<std::string, std::int64_t> numbers =
      in_table ? OomTableRow(outcome.log, report.pid)
               : std::map<std::string, std::int64_t>{
                     {"pid", report.pid},
                     {"total-vm", report.total_vm_kb},
                     {"anon-rss", report.anon_rss_kb},
                     {"file-rss", report.file_rss_kb},
                     {"shmem-rss", report.shmem_rss_kb},
                     {"pgtables", report.pgtables_kb},
                     {"oom_score_adj", report.oom_score_adj}};
  const auto it = numbers.find(in_table ? name.substr(kTable.size()) : name);
  if (it == numbers.end()) return std::nullopt;
  return it->second;
}

std::string EndText(Outcome::End end, int code) {
  Outcome outcome;
  outcome.end = end;
  outcome.code = code;
  return ToText(outcome);
}

Oracle Ends(Outcome::End end, int code) {
  return Check{kEnd, EndText(end, code),
               [=](const View& view) -> std::optional<std::string> {
                 const Outcome& outcome = view.outcome;
                 if (outcome.end == end && outcome.code == code) {
                   return std::nullopt;
                 }
                 return ToText(outcome);
               }};
}

}  // namespace

std::optional<std::int64_t> View::Value(const std::string& name) const {
  for (const std::string& key : {step + "." + name, name}) {
    const auto it = outcome.values.find(key);
    if (it != outcome.values.end()) return it->second;
  }
  return std::nullopt;
}

bool Oracle::LooksAt(std::string_view value) const {
  return std::ranges::any_of(
      checks_, [&](const Check& check) { return check.value == value; });
}

Oracle AllOf(const std::vector<Oracle>& oracles) {
  Oracle all;
  for (const Oracle& oracle : oracles) all += oracle;
  return all;
}

std::vector<FailedCheck> FailedChecks(const Oracle& oracle, const View& view) {
  std::vector<FailedCheck> failed;
  for (const Check& check : oracle.checks()) {
    if (auto seen = check.seen_instead(view)) {
      failed.push_back(
          {view.step, check.value, std::move(*seen), check.expected});
    }
  }
  return failed;
}

std::string ToText(const Outcome& outcome) {
  switch (outcome.end) {
    case Outcome::End::kExited:
      return "exited " + std::to_string(outcome.code);
    case Outcome::End::kSignal:
      return "killed by signal " + std::to_string(outcome.code) + " (" +
             strsignal(outcome.code) + ")";
    case Outcome::End::kOomKilled:
      return "oom-killed";
    case Outcome::End::kDeadline:
      return "deadline";
    case Outcome::End::kStopped:
      return "stopped: " + outcome.stopped;
  }
  return "";
}

Oracle Survives() { return Ends(Outcome::End::kExited, 0); }
Oracle OomKilled() { return Ends(Outcome::End::kOomKilled, SIGKILL); }
Oracle KilledBy(int signal) { return Ends(Outcome::End::kSignal, signal); }

Oracle BystandersSurvive() {
  return Check{"bystanders", "all alive",
               [](const View& view) -> std::optional<std::string> {
                 const std::string& dead = view.outcome.dead_bystanders;
                 if (dead.empty()) return std::nullopt;
                 return "dead: " + dead;
               }};
}

Oracle Count(const std::string& name, Matcher<std::int64_t> inner) {
  return OfValues<std::int64_t>(name, {name}, std::move(inner),
                                [](const Numbers& n) { return n[0]; });
}

Oracle Size(const std::string& name, Matcher<Bytes> inner) {
  return OfValues<Bytes>(name, {name}, std::move(inner),
                         [](const Numbers& n) { return Bytes{n[0]}; });
}

Oracle Difference(const std::string& a, const std::string& b,
                  Matcher<std::int64_t> inner) {
  return OfValues<std::int64_t>(a + " less " + b, {a, b}, std::move(inner),
                                [](const Numbers& n) { return n[0] - n[1]; });
}

Oracle Percent(const std::string& part, const std::string& whole,
               Matcher<double> inner) {
  return OfValues<double>(part + " in % of " + whole, {part, whole},
                          std::move(inner), [](const Numbers& n) {
                            // Of nothing there is no share: not a number
                            // matches nothing.
                            if (n[1] == 0) return std::nan("");
                            return 100.0 * static_cast<double>(n[0]) /
                                   static_cast<double>(n[1]);
                          });
}

Oracle KernelLogHas(const std::string& text) {
  return KernelLogHasAnyOf({text});
}

Oracle KernelLogHasAnyOf(const std::vector<std::string>& texts) {
  std::string expected;
  for (const std::string& text : texts) {
    expected += (expected.empty() ? "\"" : "\" or \"") + text;
  }
  return Check{"kernel log", expected + "\"",
               [=](const View& view) -> std::optional<std::string> {
                 for (const std::string& text : texts) {
                   if (view.outcome.log.find(text) != std::string::npos) {
                     return std::nullopt;
                   }
                 }
                 return "no such text";
               }};
}

Oracle OomConstraint(const std::string& constraint) {
  return Reported<std::string>("constraint", constraint,
                               [](const OomReport& r) { return r.constraint; });
}

Oracle OomNodemask(const std::string& nodemask) {
  return Reported<std::string>("nodemask", nodemask,
                               [](const OomReport& r) { return r.nodemask; });
}

Oracle OomVictimIsSubject() {
  return Reported<std::string>("victim", std::string(kSubjectName),
                               [](const OomReport& r) { return r.victim; });
}

Oracle OomRss(Matcher<Bytes> inner) {
  return Reported<Bytes>("rss", std::move(inner), [](const OomReport& r) {
    return (r.anon_rss_kb + r.file_rss_kb + r.shmem_rss_kb) * 1_KiB;
  });
}

Oracle OomAnonRss(Matcher<Bytes> inner) {
  return Reported<Bytes>("anon-rss", std::move(inner), [](const OomReport& r) {
    return r.anon_rss_kb * 1_KiB;
  });
}

Oracle OomPageTables(Matcher<Bytes> inner) {
  return Reported<Bytes>("pgtables", std::move(inner), [](const OomReport& r) {
    return r.pgtables_kb * 1_KiB;
  });
}

Oracle OomNumber(const std::string& name, Matcher<std::int64_t> inner) {
  return Check{"OOM report's " + name, Describe(inner),
               [=](const View& view) -> std::optional<std::string> {
                 const auto number = ReportNumber(view.outcome, name);
                 if (!number) return "the kernel reported no " + name;
                 if (inner.Matches(*number)) return std::nullopt;
                 return Print(*number);
               }};
}

Oracle OomNumberLess(const std::string& name, const std::string& value,
                     Matcher<std::int64_t> inner) {
  return Check{"OOM report's " + name + " less " + value, Describe(inner),
               [=](const View& view) -> std::optional<std::string> {
                 const auto number = ReportNumber(view.outcome, name);
                 const auto less = view.Value(value);
                 if (!number) return "the kernel reported no " + name;
                 if (!less) return value + " was never set";
                 if (inner.Matches(*number - *less)) return std::nullopt;
                 return Print(*number - *less) + " (" + name + " " +
                        Print(*number) + ", " + value + " " + Print(*less) +
                        ")";
               }};
}

}  // namespace oomgate
