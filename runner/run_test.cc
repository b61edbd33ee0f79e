// SPDX-License-Identifier: Apache-2.0
// Plans carried out by backends that only pretend.
#include "runner/run.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "oomgate/model/json.h"
#include "runner/error.h"
#include "runner/record/collector.h"
#include "runner/report/report.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

struct SilentReport : Report {
  void Planned(int, int) override {}
  void Started(const Start&) override {}
  void Began(const Shape&, const InstanceName&) override {}
  void Finished(const Result& result) override {
    finished.push_back(result.id);
  }
  void Noticed(const std::string&) override {}
  void Over(const oomgate::Run&, const std::string&, double) override {
    ++over;
  }
  std::vector<std::string> finished;
  int over = 0;
};

void Pass(Collector& collector, const Order& order) {
  const Json name = {{"id", order.name.id}, {"params", order.name.params}};
  Json begin = name;
  begin["event"] = "begin";
  collector.Line(begin.dump());
  Json result = name;
  result["event"] = "result";
  result["verdict"] = "pass";
  collector.Line(result.dump());
}

// Does what it is told per group; counts how many groups run at once.
struct FakeBackend : Backend {
  using Deed = std::function<void(const OrderGroup&, Sink&, const Cancel&)>;
  explicit FakeBackend(Deed d) : deed(std::move(d)) {}
  std::string Missing() override { return ""; }
  void Run(const OrderGroup& group, Sink& sink, const Cancel& cancel) override {
    const int now = ++running;
    int most_so_far = most;
    while (now > most_so_far && !most.compare_exchange_weak(most_so_far, now)) {
    }
    deed(group, sink, cancel);
    --running;
  }
  Deed deed;
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
};

void PassAll(const OrderGroup& group, Sink& sink, const Cancel&) {
  Collector collector(group, sink);
  collector.Line(R"({"event":"start","schema":1,"kernel":"6.1"})");
  for (const Order& order : group.orders) Pass(collector, order);
  collector.Line(R"({"event":"end"})");
}

struct RunPlanTest : testing::Test {
  fs::path root =
      fs::path(testing::TempDir()) / ("run." + std::to_string(::getpid()));
  SilentReport report;
  Plan plan;
  Cancel cancel;
  std::optional<RunFolder> folder;
  std::optional<Recorder> recorder;
  int failures = 0;

  ~RunPlanTest() override {
    fs::remove_all(root);
    // A test's own SIGTERM must not cancel the next one.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    const timespec none{};
    while (::sigtimedwait(&set, nullptr, &none) > 0) {
    }
  }
  void MakeRecorder(const std::vector<CaseInfo>& cases,
                    const std::vector<Place>& places) {
    PlanOptions options;
    options.places = places;
    options.machine = {
        .cpus = 2, .memory = 8_GiB, .available = 8_GiB, .cgroup = 2};
    plan = MakePlan(cases, options);
    folder.emplace(root);
    recorder.emplace(
        oomgate::Run{}, plan, *folder, report,
        [this] { return cancel.requested(); }, [this] { ++failures; });
  }
  void Execute(Backend& backend, int jobs = 1) {
    RunPlan(
        plan, [&](Place) -> Backend& { return backend; }, jobs, *recorder,
        cancel);
  }
  static std::vector<CaseInfo> Cases(std::vector<std::string> ids,
                                     Blast blast) {
    std::vector<CaseInfo> cases;
    for (std::string& id : ids) {
      cases.emplace_back().id = std::move(id);
      cases.back().blast = blast;
      cases.back().instances.resize(1);
    }
    return cases;
  }
  std::vector<std::string> Verdicts(const oomgate::Run& run) {
    std::vector<std::string> texts;
    for (const Result& r : run.results) {
      texts.push_back(r.id + " " + ToText(r.verdict));
    }
    return texts;
  }
  auto OnDisk() const {
    std::ifstream in(folder->run_json());
    return Json::parse(in).get<oomgate::Run>();
  }
};

TEST_F(RunPlanTest, ResultsAreInTheOrderOfThePlan) {
  auto cases = Cases({"a/1", "a/2", "a/3"}, Blast::kMachine);
  MakeRecorder(cases, {Place::kVm});
  FakeBackend backend([](const OrderGroup& group, Sink& sink, const Cancel& c) {
    // The first one takes longest.
    if (group.orders[0].name.id == "a/1") {
      pollfd fd{c.fd(), POLLIN, 0};
      ::poll(&fd, 1, 100);
    }
    PassAll(group, sink, c);
  });
  Execute(backend, 3);
  EXPECT_GT(backend.most, 1);
  const auto run = recorder->Finish();
  EXPECT_EQ(report.finished.back(), "a/1");
  EXPECT_THAT(Verdicts(run), ElementsAre("a/1 pass", "a/2 pass", "a/3 pass"));
  EXPECT_EQ(OnDisk(), run);
  EXPECT_THAT(run.starts, SizeIs(1));
  EXPECT_FALSE(run.interrupted);
  EXPECT_EQ(report.over, 1);
}

TEST_F(RunPlanTest, ThisMachineRunsOneGroupAtATime) {
  auto cases = Cases({"a/1", "a/2"}, Blast::kCgroup);
  cases[1].instances[0].needs.memory = 128_MiB;
  MakeRecorder(cases, {Place::kCgroup});
  ASSERT_THAT(plan.groups, SizeIs(2));
  FakeBackend backend(PassAll);
  Execute(backend, 8);
  EXPECT_EQ(backend.most, 1);
}

TEST_F(RunPlanTest, ABackendThatFailsBreaksItsGroupOnly) {
  MakeRecorder(Cases({"a/1", "a/2"}, Blast::kMachine), {Place::kVm});
  FakeBackend backend([](const OrderGroup& group, Sink& sink, const Cancel& c) {
    if (group.orders[0].name.id == "a/1") throw HarnessError("no QEMU left");
    PassAll(group, sink, c);
  });
  Execute(backend);
  const auto run = recorder->Finish();
  EXPECT_THAT(Verdicts(run), ElementsAre("a/1 broken", "a/2 pass"));
  EXPECT_EQ(run.results[0].reason, "no QEMU left");
}

TEST_F(RunPlanTest, AUsersMistakeIsToldAfterTheRestRan) {
  MakeRecorder(Cases({"a/1", "a/2"}, Blast::kMachine), {Place::kVm});
  FakeBackend backend([](const OrderGroup& group, Sink& sink, const Cancel& c) {
    if (group.orders[0].name.id == "a/1") throw UserError("no zram module");
    PassAll(group, sink, c);
  });
  EXPECT_THROW(Execute(backend), UserError);
  EXPECT_THAT(Verdicts(recorder->Finish()),
              ElementsAre("a/1 broken", "a/2 pass"));
}

TEST_F(RunPlanTest, CtrlCKeepsWhatFinished) {
  MakeRecorder(Cases({"a/1", "a/2", "a/3"}, Blast::kProcess), {Place::kVm});
  FakeBackend backend([](const OrderGroup& group, Sink& sink, const Cancel& c) {
    Collector collector(group, sink);
    Pass(collector, group.orders[0]);
    collector.Line(R"({"event":"begin","id":"a/2","params":{}})");
    ::kill(::getpid(), SIGTERM);
    pollfd fd{c.fd(), POLLIN, 0};
    ::poll(&fd, 1, 10000);
    collector.Lost("killed by the interruption", "");
  });
  Execute(backend);
  const auto run = recorder->Finish();
  EXPECT_TRUE(run.interrupted);
  EXPECT_THAT(Verdicts(run), ElementsAre("a/1 pass"));
  EXPECT_TRUE(OnDisk().interrupted);
}

TEST_F(RunPlanTest, ResultsReachTheDiskBeforeTheRunEnds) {
  MakeRecorder(Cases({"a/1", "a/2"}, Blast::kProcess), {Place::kHost});
  std::size_t seen = 0;
  FakeBackend backend([&](const OrderGroup& group, Sink& sink, const Cancel&) {
    Collector collector(group, sink);
    Pass(collector, group.orders[0]);
    for (int i = 0; i < 100 && seen == 0; ++i) {
      ::usleep(50000);  // for the other thread's interval, with a deadline
      seen = OnDisk().results.size();
    }
    Pass(collector, group.orders[1]);
  });
  Execute(backend);
  EXPECT_EQ(seen, 1U);
  EXPECT_EQ(OnDisk().finished, "");
}

TEST_F(RunPlanTest, RecordsSayWhichGroupTheyAreOf) {
  MakeRecorder(Cases({"a/1"}, Blast::kProcess), {Place::kHost, Place::kCgroup});
  FakeBackend backend(PassAll);
  Execute(backend);
  std::ifstream in(folder->path() / "records.jsonl");
  std::vector<std::string> events;
  for (std::string line; std::getline(in, line);) {
    const Json json = Json::parse(line);
    events.push_back(json.at("event").get<std::string>() +
                     json.value("shape", ""));
  }
  EXPECT_THAT(events,
              ElementsAre("placehost", "start", "begin", "result", "end",
                          "placecgroup2", "start", "begin", "result", "end"));
}

TEST_F(RunPlanTest, FilesThatCannotBeWrittenStopTheRunOnce) {
  MakeRecorder(Cases({"a/1", "a/2"}, Blast::kProcess), {Place::kHost});
  fs::remove_all(root);
  FakeBackend backend([](const OrderGroup& group, Sink& sink, const Cancel& c) {
    PassAll(group, sink, c);
    ::usleep(600000);
  });
  Execute(backend);
  EXPECT_THROW(recorder->Finish(), UserError);
  EXPECT_EQ(failures, 1);
}

TEST(JobsThatFit, TheLargestGuestsCount) {
  Plan plan;
  for (const Bytes memory : {256_MiB, 1_GiB, 512_MiB}) {
    plan.groups.push_back(
        {{.place = Place::kVm, .memory = memory}, {}, {}, {}});
  }
  plan.groups.push_back({{.place = Place::kHost}, {}, {}, {}});
  EXPECT_EQ(JobsThatFit(plan, 8, 64_GiB), 3);
  EXPECT_EQ(JobsThatFit(plan, 2, 64_GiB), 2);
  EXPECT_EQ(JobsThatFit(plan, 8, 1900_MiB), 2);
  EXPECT_EQ(JobsThatFit(plan, 8, 100_MiB), 1);
}

}  // namespace
}  // namespace oomgate
