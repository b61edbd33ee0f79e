// SPDX-License-Identifier: Apache-2.0
// The matchers that oracles are made of.
#include <signal.h>

#include <cstring>

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
Oracle Make(std::string promise, Test test) {
  return testing::MakeMatcher(
      new Sentence<Test>(std::move(promise), std::move(test)));
}

Oracle Ends(std::string promise, Outcome::End end, int code) {
  return Make(std::move(promise),
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

// One thing taken out of the OOM report.
template <typename T, typename Take>
Oracle Reported(const std::string& what, Matcher<T> inner, Take take) {
  return Make("the OOM report's " + what + " " + Describe(inner),
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
  return Make("bystanders survive",
              [](const Outcome& outcome, MatchResultListener& listener) {
                if (!outcome.dead_bystanders.empty()) {
                  listener << "dead: " << outcome.dead_bystanders;
                }
                return outcome.dead_bystanders.empty();
              });
}

Oracle Count(const std::string& name, Matcher<std::int64_t> inner) {
  return Make(name + " " + Describe(inner),
              [=](const Outcome& outcome, MatchResultListener& listener) {
                const auto it = outcome.values.find(name);
                if (it == outcome.values.end()) {
                  listener << name << " was never set";
                  return false;
                }
                listener << name << " is " << it->second;
                return inner.Matches(it->second);
              });
}

Oracle Size(const std::string& name, Matcher<Bytes> inner) {
  return Make(name + " " + Describe(inner),
              [=](const Outcome& outcome, MatchResultListener& listener) {
                const auto it = outcome.values.find(name);
                if (it == outcome.values.end()) {
                  listener << name << " was never set";
                  return false;
                }
                listener << name << " is " << Bytes{it->second};
                return inner.Matches(Bytes{it->second});
              });
}

Oracle Percent(const std::string& part, const std::string& whole,
               Matcher<double> inner) {
  return Make(part + " in % of " + whole + " " + Describe(inner),
              [=](const Outcome& outcome, MatchResultListener& listener) {
                const auto a = outcome.values.find(part);
                const auto b = outcome.values.find(whole);
                if (a == outcome.values.end() || b == outcome.values.end() ||
                    b->second == 0) {
                  listener << part << " or " << whole << " was never set";
                  return false;
                }
                const double percent = 100.0 * static_cast<double>(a->second) /
                                       static_cast<double>(b->second);
                listener << part << " is " << percent << " % of " << whole;
                return inner.Matches(percent);
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

}  // namespace oomgate
