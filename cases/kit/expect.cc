// SPDX-License-Identifier: Apache-2.0
// The matchers that oracles are made of.
#include <signal.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "cases/kit/oom_report.h"
#include "oomgate/outcome.h"

namespace oomgate {
namespace {

using testing::Matcher;
using testing::MatcherInterface;
using testing::MatchResultListener;

// A matcher made of a sentence and a test that explains itself.
template <typename Test>
class Sentence : public MatcherInterface<const Outcome&> {
 public:
  Sentence(std::string promise, Test test)
      : promise_(std::move(promise)), test_(std::move(test)) {}

  bool MatchAndExplain(const Outcome& outcome,
                       MatchResultListener* listener) const override {
    return test_(outcome, *listener);
  }
  void DescribeTo(std::ostream* out) const override { *out << promise_; }
  void DescribeNegationTo(std::ostream* out) const override {
    *out << "not (" << promise_ << ")";
  }

 private:
  std::string promise_;
  Test test_;
};

template <typename Test>
Oracle Says(std::string promise, Test test) {
  return testing::MakeMatcher(
      new Sentence<Test>(std::move(promise), std::move(test)));
}

Oracle Ends(std::string promise, Outcome::End end, int code) {
  return Says(std::move(promise),
              [=](const Outcome& outcome, MatchResultListener& listener) {
                listener << "it " << ToText(outcome);
                return outcome.end == end && outcome.code == code;
              });
}

template <typename T>
std::string Describe(const Matcher<T>& matcher) {
  std::ostringstream text;
  matcher.DescribeTo(&text);
  return text.str();
}

using Numbers = std::vector<std::int64_t>;

// Something made of numbers of the outcome.
template <typename T, typename Make>
Oracle OfValues(const std::string& what, const std::vector<std::string>& names,
                Matcher<T> inner, Make make) {
  return Says(what + " " + Describe(inner), [=](const Outcome& outcome,
                                                MatchResultListener& listener) {
    Numbers numbers;
    for (const std::string& name : names) {
      const auto it = outcome.values.find(name);
      if (it == outcome.values.end()) {
        listener << name << " was never set";
        return false;
      }
      numbers.push_back(it->second);
    }
    const T value = make(numbers);
    listener << what << " is " << value;
    if (names.size() > 1) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        listener << (i == 0 ? " (" : ", ") << names[i] << " " << numbers[i];
      }
      listener << ")";
    }
    return inner.Matches(value);
  });
}

// One thing taken out of the OOM report.
template <typename T, typename Take>
Oracle Reported(const std::string& what, Matcher<T> inner, Take take) {
  return Says("the OOM report's " + what + " " + Describe(inner),
              [=](const Outcome& outcome, MatchResultListener& listener) {
                if (!outcome.oom) {
                  listener << "the kernel reported no OOM kill";
                  return false;
                }
                const T value = take(*outcome.oom);
                listener << what << " is " << value;
                return inner.Matches(value);
              });
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

}  // namespace

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

Oracle Survives() { return Ends("survives", Outcome::End::kExited, 0); }

Oracle OomKilled() {
  return Ends("is OOM-killed", Outcome::End::kOomKilled, SIGKILL);
}

Oracle KilledBy(int signal) {
  return Ends("is killed by signal " + std::to_string(signal),
              Outcome::End::kSignal, signal);
}

Oracle BystandersSurvive() {
  return Says("bystanders survive",
              [](const Outcome& outcome, MatchResultListener& listener) {
                if (!outcome.dead_bystanders.empty()) {
                  listener << "dead: " << outcome.dead_bystanders;
                }
                return outcome.dead_bystanders.empty();
              });
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
  return Says("the kernel logs \"" + text + "\"",
              [=](const Outcome& outcome, MatchResultListener& listener) {
                const bool has = outcome.log.find(text) != std::string::npos;
                if (!has) listener << "the kernel did not log " << text;
                return has;
              });
}

Oracle OomConstraint(const std::string& constraint) {
  return Reported<std::string>("constraint", Matcher<std::string>(constraint),
                               [](const OomReport& r) { return r.constraint; });
}

Oracle OomNodemask(const std::string& nodemask) {
  return Reported<std::string>("nodemask", Matcher<std::string>(nodemask),
                               [](const OomReport& r) { return r.nodemask; });
}

Oracle OomVictimIsSubject() {
  return Reported<std::string>("victim", Matcher<std::string>(kSubjectName),
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
  return Says("the OOM report's " + name + " " + Describe(inner),
              [=](const Outcome& outcome, MatchResultListener& listener) {
                const auto number = ReportNumber(outcome, name);
                if (!number) {
                  listener << "the kernel reported no " << name;
                  return false;
                }
                listener << name << " is " << *number;
                return inner.Matches(*number);
              });
}

Oracle OomNumberLess(const std::string& name, const std::string& value,
                     Matcher<std::int64_t> inner) {
  return Says(
      "the OOM report's " + name + " less " + value + " " + Describe(inner),
      [=](const Outcome& outcome, MatchResultListener& listener) {
        const auto number = ReportNumber(outcome, name);
        const auto it = outcome.values.find(value);
        if (!number || it == outcome.values.end()) {
          listener << "there is no " << name << " or no " << value;
          return false;
        }
        listener << name << " is " << *number << ", " << value << " is "
                 << it->second;
        return inner.Matches(*number - it->second);
      });
}

}  // namespace oomgate
