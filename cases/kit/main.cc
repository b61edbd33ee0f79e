// SPDX-License-Identifier: Apache-2.0
// oomgate-cases, the judge: every instance is a GoogleTest test, run one at a
// time. `--list` describes them; `--run=INSTANCE` writes records to fd 3.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "cases/kit/judge.h"
#include "cases/kit/list.h"
#include "cases/kit/records.h"
#include "cases/kit/registry.h"

namespace oomgate {
namespace {

struct Options {
  std::string box = "process";  // what may be exhausted: nothing, if not told
  std::string run;
  int timeout_seconds = 0;  // 0: the case's own
  bool invert = false;
  std::string without;  // a step, or a setting, that is left out
  // This machine was made for the instance: what it needs was promised.
  bool promised = false;
  int records = -1;
};

Options options;

// The generic body of every test.
class InstanceTest : public testing::Test {
 public:
  InstanceTest(const Case& definition, Params params)
      : definition_(definition), params_(std::move(params)) {}

  void TestBody() override {
    Case definition = definition_;
    if (options.timeout_seconds > 0) {
      definition.timeout_seconds = options.timeout_seconds;
    }
    const Judged judgement = JudgeSafely(definition);
    WriteRecords(definition, params_, judgement, options.records);
    switch (judgement.verdict) {
      case Verdict::kPass:
        break;
      case Verdict::kSkip:
      case Verdict::kKnown:
        GTEST_SKIP() << judgement.reason;
      default:
        ADD_FAILURE() << ToText(judgement.verdict) << ": " << judgement.reason;
    }
  }

 private:
  // Whatever a case throws is its own mistake, not a loss of the judge.
  Judged JudgeSafely(const Case& definition) const {
    try {
      return Judge(definition, params_, BoxView(options.box),
                   {.invert = options.invert,
                    .promised = options.promised,
                    .without = options.without});
    } catch (const std::exception& error) {
      Judged judgement;
      judgement.reason = std::string("the case threw: ") + error.what();
      return judgement;
    }
  }

  const Case& definition_;
  Params params_;
};

// "pages/zero_page[touch=read]" is the test "pages.zero_page/touch=read".
std::string SuiteOf(const std::string& id) {
  const std::size_t slash = id.find('/');
  return slash == std::string::npos ? "cases" : id.substr(0, slash);
}
std::string TestOf(const std::string& id, const Params& params) {
  const std::size_t slash = id.find('/');
  const std::string name =
      slash == std::string::npos ? id : id.substr(slash + 1);
  return params.values().empty() ? name : name + "/" + params.ToText();
}

void RegisterTests() {
  for (const Case& definition : AllCases()) {
    // They hang, die and fail on purpose: never by a plain start.
    if (definition.meta && options.run.empty()) continue;
    for (const Params& params : InstancesOf(definition)) {
      testing::RegisterTest(SuiteOf(definition.id).c_str(),
                            TestOf(definition.id, params).c_str(), nullptr,
                            nullptr, __FILE__, __LINE__,
                            [&definition, params]() -> testing::Test* {
                              return new InstanceTest(definition, params);
                            });
    }
  }
}

bool Take(std::string_view word, std::string_view flag, std::string& value) {
  if (!word.starts_with(flag)) return false;
  value = word.substr(flag.size());
  return true;
}

// The subject goes first, the judge last, and the judge never needs a page
// while the box is full: a fault of its own would start another kill. Where a
// right is missing (root in a container), the subjects are raised all the same.
void ProtectJudge() {
  // On fault only: a page that was never touched is none that a subject
  // inherits.
  mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  (void)!write(fd, "-999", 4);
  close(fd);
}

int Main(int argc, char** argv) {
  if (!Mistakes().empty()) {
    std::fprintf(stderr, "oomgate-cases: %s", Mistakes().c_str());
    return 2;
  }
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    std::string value;
    if (word == "--list") {
      std::puts(ListAsJson(AllCases()).c_str());
      return 0;
    }
    if (word == "--invert") {
      options.invert = true;
    } else if (word == "--promised") {
      options.promised = true;
    } else if (Take(word, "--timeout=", value)) {
      options.timeout_seconds = std::atoi(value.c_str());
    } else if (!Take(word, "--run=", options.run) &&
               !Take(word, "--without=", options.without) &&
               !Take(word, "--box=", options.box)) {
      std::fprintf(stderr, "oomgate-cases: unknown option %s\n", argv[i]);
      return 2;
    }
  }
  RegisterTests();
  if (!options.run.empty()) {
    const auto name = ParseInstance(options.run);
    if (!name) {
      std::fprintf(stderr, "oomgate-cases: no instance %s\n",
                   options.run.c_str());
      return 2;
    }
    testing::GTEST_FLAG(filter) =
        SuiteOf(name->id) + "." + TestOf(name->id, name->params);
    options.records = 3;
    fcntl(options.records, F_SETFD, FD_CLOEXEC);
    ProtectJudge();
  }
  const int status = RUN_ALL_TESTS();
  const bool none = testing::UnitTest::GetInstance()->test_to_run_count() == 0;
  return none ? 4 : status;
}

}  // namespace
}  // namespace oomgate

int main(int argc, char** argv) { return oomgate::Main(argc, argv); }
