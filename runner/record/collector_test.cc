// SPDX-License-Identifier: Apache-2.0
#include "runner/record/collector.h"

#include <gmock/gmock.h>

#include <random>

#include "oomgate/model/json.h"
#include "runner/record/recording_sink.h"

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Order Named(const std::string& instance) {
  Order order;
  order.name = *ParseInstance(instance);
  return order;
}

OrderGroup TwoOrders() {
  OrderGroup group;
  group.shape = {.place = Place::kVm, .memory = 256_MiB};
  group.orders = {Named("a/one"), Named("a/two[x=1]")};
  return group;
}

constexpr const char* kStart =
    R"({"event":"start","schema":1,"kernel":"6.1.0","version":"#1 SMP",)"
    R"("command_line":"quiet","cpu":"qemu64","taint":"0","mem_total":1024,)"
    R"("swap_total":0,"cpus":1,"nodes":1,"settings":{"/proc/a":"1"}})";
constexpr const char* kBeginOne =
    R"({"event":"begin","id":"a/one","params":{}})";
constexpr const char* kBeginTwo =
    R"({"event":"begin","id":"a/two","params":{"x":"1"}})";

struct CollectorTest : testing::Test {
  RecordingSink sink;
  Collector collector{TwoOrders(), sink, {.accelerator = "tcg", .qemu = "7.2"}};
};

// What becomes of an instance that promises a panic.
template <typename Act>
Result Promised(bool invert, Act act) {
  OrderGroup group = TwoOrders();
  group.orders[0].panics = "panic_on_oom";
  group.orders[0].invert = invert;
  RecordingSink sink;
  Collector collector(group, sink);
  collector.Line(kStart);
  collector.Line(kBeginOne);
  act(collector);
  return sink.results.at(0);
}

TEST(Collector, APanicIsAPassWhereJustThatWasPromised) {
  const auto result = [](const std::string& words, bool invert) {
    return Promised(invert, [&](Collector& collector) {
      collector.Panicked(words, "the kernel panicked", "log");
    });
  };
  EXPECT_EQ(result("panic_on_oom is enabled", false).verdict, Verdict::kPass);
  EXPECT_EQ(result("panic_on_oom is enabled", true).verdict, Verdict::kFail);
  const Result other = result("NULL pointer dereference", false);
  EXPECT_EQ(other.verdict, Verdict::kFail);
  EXPECT_THAT(other.checks,
              ElementsAre(FailedCheck{"", "panic", "NULL pointer dereference",
                                      "panic_on_oom"}));
  EXPECT_EQ(other.reason,
            "panic is NULL pointer dereference, expected panic_on_oom");
  EXPECT_EQ(other.console, "log");
  EXPECT_EQ(result("", false).checks.at(0).seen, "without words");
  EXPECT_EQ(result("NULL pointer dereference", true).verdict, Verdict::kFail);
}

TEST(Collector, NothingButThePanicKeepsAPromiseOfOne) {
  const auto judged = [](const std::string& verdict, bool invert) {
    return Promised(invert, [&](Collector& collector) {
      collector.Line(R"({"event":"result","id":"a/one","params":{},)"
                     R"("end":"oom-killed","verdict":")" +
                     verdict + "\"}");
    });
  };
  const Result killed = judged("pass", false);
  EXPECT_EQ(killed.verdict, Verdict::kFail);
  EXPECT_EQ(killed.end, "oom-killed");
  EXPECT_THAT(killed.checks,
              ElementsAre(FailedCheck{"", "panic", "none", "panic_on_oom"}));
  EXPECT_EQ(killed.reason, "panic is none, expected panic_on_oom");
  EXPECT_EQ(judged("pass", true).verdict, Verdict::kPass);
  for (const char* verdict : {"fail", "known", "skip", "broken"}) {
    EXPECT_EQ(ToText(judged(verdict, false).verdict),
              std::string_view(verdict));
  }
  for (const bool invert : {false, true}) {
    EXPECT_EQ(Promised(invert,
                       [](Collector& collector) {
                         collector.Lost("the guest hung", "log");
                       })
                  .verdict,
              Verdict::kLost);
    EXPECT_EQ(Promised(invert,
                       [](Collector& collector) {
                         collector.Line(R"({"event":"end"})");
                       })
                  .verdict,
              Verdict::kLost);
  }
}

TEST_F(CollectorTest, WhatTheJudgeFoundArrives) {
  collector.Line(
      R"({"event":"result","id":"a/one","params":{},"verdict":"fail",)"
      R"("reason":"one sentence","checks":[{"step":"lock","value":"grown",)"
      R"("seen":"8 MiB","expected":"4 MiB"}],"also":[{"what":"left behind",)"
      R"("text":"Shmem +4 kB"}],"left_out":[{"step":"s","reason":"r"}]})");
  const Result& result = sink.results.at(0);
  EXPECT_THAT(result.checks,
              ElementsAre(FailedCheck{"lock", "grown", "8 MiB", "4 MiB"}));
  EXPECT_THAT(result.also, ElementsAre(Finding{kLeftBehind, "Shmem +4 kB"}));
  EXPECT_THAT(result.left_out, ElementsAre(LeftOut{"s", "r"}));
}

TEST_F(CollectorTest, FindingsHaveBounds) {
  Json record = {{"event", "result"},
                 {"id", "a/one"},
                 {"params", Json::object()},
                 {"verdict", "fail"}};
  const Json check = {{"step", std::string(5000, 'x')}};
  record["checks"] = std::vector<Json>(3000, check);
  collector.Line(record.dump());
  EXPECT_THAT(sink.results.at(0).checks, SizeIs(1000));
  EXPECT_LT(sink.results[0].checks[0].step.size(), 2000U);
}

TEST_F(CollectorTest, AWholeGroup) {
  collector.Line(kStart);
  EXPECT_TRUE(collector.started());
  collector.Line(kBeginOne);
  ASSERT_TRUE(collector.running());
  EXPECT_EQ(collector.running()->id, "a/one");
  collector.Line(
      R"({"event":"result","id":"a/one","params":{},"verdict":"pass",)"
      R"("reason":"","end":"oom-killed","seconds":1.5,"metrics":{"m":3},)"
      R"("values":{"v":4},"oom":{"constraint":"CONSTRAINT_NONE"},)"
      R"("console":"dropped for a pass"})");
  EXPECT_FALSE(collector.running());
  EXPECT_THAT(collector.Pending(), SizeIs(1));
  collector.Line(kBeginTwo);
  collector.Line(R"({"event":"result","id":"a/two","params":{"x":"1"},)"
                 R"("verdict":"fail","reason":"too much","end":"exited 0"})");
  collector.Line(R"({"event":"end"})");
  EXPECT_TRUE(collector.ended());
  EXPECT_THAT(collector.Pending(), IsEmpty());

  ASSERT_THAT(sink.starts, SizeIs(1));
  EXPECT_EQ(sink.starts[0].shape, "vm-256m-1cpu");
  EXPECT_EQ(sink.starts[0].accelerator, "tcg");
  EXPECT_EQ(sink.starts[0].qemu, "7.2");
  EXPECT_EQ(sink.starts[0].settings.at("/proc/a"), "1");
  ASSERT_THAT(sink.results, SizeIs(2));
  const Result& one = sink.results[0];
  EXPECT_EQ(one.verdict, Verdict::kPass);
  EXPECT_EQ(one.kernel, "6.1.0");
  EXPECT_EQ(one.place, "vm");
  EXPECT_EQ(one.seconds, 1.5);
  EXPECT_EQ(one.metrics.at("m"), 3);
  EXPECT_EQ(one.oom->constraint, "CONSTRAINT_NONE");
  EXPECT_EQ(one.console, "");
  EXPECT_EQ(sink.results[1].verdict, Verdict::kFail);
  EXPECT_GE(sink.results[1].seconds, 0);
  EXPECT_THAT(sink.notices, IsEmpty());
  EXPECT_THAT(sink.lines, SizeIs(6));
}

TEST_F(CollectorTest, TheLauncherLosesAJudge) {
  collector.Line(kStart);
  collector.Line(kBeginOne);
  collector.SetConsole([] { return std::string("kernel said this"); });
  collector.Line(
      R"({"event":"lost","id":"a/one","params":{},"cause":"signal 9",)"
      R"("broken":false,"log":"bye\n"})");
  collector.Line(R"({"event":"lost","id":"a/two","params":{"x":"1"},)"
                 R"("cause":"no such file","broken":true,"log":""})");
  ASSERT_THAT(sink.results, SizeIs(2));
  EXPECT_EQ(sink.results[0].verdict, Verdict::kLost);
  EXPECT_EQ(sink.results[0].reason,
            "the judge was killed by signal 9; its last words: bye");
  EXPECT_EQ(sink.results[0].console, "kernel said this");
  EXPECT_EQ(sink.results[1].verdict, Verdict::kBroken);
  EXPECT_THAT(sink.results[1].reason, HasSubstr("no such file"));
}

TEST_F(CollectorTest, AGuestThatDiesLosesOnlyWhatRan) {
  collector.Lost("nothing runs yet", "");
  EXPECT_THAT(sink.results, IsEmpty());
  collector.Line(kStart);
  collector.Line(kBeginOne);
  collector.Lost("kernel panic", "Kernel panic - \xff\xfe");
  ASSERT_THAT(sink.results, SizeIs(1));
  EXPECT_EQ(sink.results[0].verdict, Verdict::kLost);
  EXPECT_EQ(sink.results[0].console, "Kernel panic - ??");
  ASSERT_THAT(collector.Pending(), SizeIs(1));
  const Order two = collector.Pending()[0];
  collector.Broken(two, "no second boot", "log");
  collector.Broken(two, "again", "log");
  EXPECT_THAT(sink.results, SizeIs(2));
  EXPECT_FALSE(collector.ended());
}

TEST_F(CollectorTest, AMissingResultIsLostWhenTheNextBeginsOrAllEnds) {
  collector.Line(kBeginOne);
  collector.Line(kBeginTwo);
  collector.Line(R"({"event":"end"})");
  ASSERT_THAT(sink.results, SizeIs(2));
  EXPECT_EQ(sink.results[0].verdict, Verdict::kLost);
  EXPECT_EQ(sink.results[1].verdict, Verdict::kLost);
}

TEST_F(CollectorTest, WhatCannotBeReadIsToldOnce) {
  const std::string hostile[] = {
      "",
      "not json",
      "[1,2]",
      "null",
      "{}",
      R"({"event":7})",
      R"({"event":"start","schema":3,"kernel":"x"})",
      R"({"event":"start","schema":1})",
      R"({"event":"start","schema":1,"kernel":{}})",
      R"({"event":"begin"})",
      R"({"event":"begin","id":"a/three","params":{}})",
      R"({"event":"begin","id":"a/two","params":{}})",
      R"({"event":"begin","id":"a/one","params":[1]})",
      R"({"event":"result","id":"a/one","params":{}})",
      R"({"event":"result","id":"a/one","params":{},"verdict":"fine"})",
      R"({"event":"result","id":"a/one","params":{},"verdict":3})",
      R"({"event":"result","id":"a/one","params":{},"verdict":"pass",)"
      R"("metrics":{"a":"b"}})",
      R"({"event":"result","id":"a/one","params":{},"verdict":"pass",)"
      R"("metrics":{"a":1e999}})",
      R"({"event":"lost","id":"a/one","params":{},"broken":"yes"})",
      std::string("{\"event\":\"begin\",\"id\":\"a/one\0\"}", 31),
      std::string(100000, '['),
      R"({"event":"begin","id":"a/o\ud800"})",
  };
  for (const std::string& line : hostile) collector.Line(line);
  EXPECT_EQ(collector.garbled(), std::size(hostile));
  EXPECT_THAT(sink.notices, ElementsAre(HasSubstr("cannot be read")));
  EXPECT_THAT(sink.results, IsEmpty());
  EXPECT_THAT(sink.begins, IsEmpty());
  EXPECT_THAT(sink.lines, SizeIs(16));
  for (const std::string& line : sink.lines) {
    EXPECT_EQ(Json::parse(line).at("event"), "garbled");
    EXPECT_LT(line.size(), 4096U);
  }
}

TEST_F(CollectorTest, BytesThatAreNotUtf8DoNotCostAResult) {
  collector.Line(
      "{\"event\":\"result\",\"id\":\"a/one\",\"params\":{},"
      "\"verdict\":\"fail\",\"reason\":\"\xff\xc3\",\"console\":\"\xe2\x82\"}");
  ASSERT_THAT(sink.results, SizeIs(1));
  EXPECT_EQ(sink.results[0].reason, "??");
  EXPECT_EQ(sink.results[0].console, "??");
}

TEST_F(CollectorTest, ASecondResultChangesNothing) {
  const char* pass =
      R"({"event":"result","id":"a/one","params":{},"verdict":"pass"})";
  collector.Line(pass);
  collector.Line(pass);
  EXPECT_THAT(sink.results, SizeIs(1));
  EXPECT_EQ(collector.garbled(), 1U);
}

TEST_F(CollectorTest, AHugeConsoleIsShortened) {
  collector.Line(kBeginOne);
  std::string log;
  for (int i = 0; i < 100000; ++i) log += "line " + std::to_string(i) + "\n";
  collector.Lost("panic", log);
  const std::string& console = sink.results.at(0).console;
  EXPECT_LT(console.size(), 40000U);
  EXPECT_THAT(console, HasSubstr("line 0\n"));
  EXPECT_THAT(console, HasSubstr("line 99999\n"));
  EXPECT_THAT(console, HasSubstr("bytes left out"));
}

TEST_F(CollectorTest, DamagedLinesNeverThrow) {
  std::mt19937 random(1);
  for (int i = 0; i < 4000; ++i) {
    std::string line = i % 2 == 0 ? kStart : kBeginTwo;
    for (int flips = 0; flips < 3; ++flips) {
      line[random() % line.size()] = static_cast<char>(random());
    }
    if (i % 5 == 0) line.resize(random() % line.size());
    EXPECT_NO_THROW(collector.Line(line));
  }
}

TEST(AsUtf8, KeepsWhatIsValid) {
  EXPECT_EQ(AsUtf8("aé€😀"), "aé€😀");
  EXPECT_EQ(AsUtf8("\xc0\x80\xed\xa0\x80\xf8"), "??????");
}

}  // namespace
}  // namespace oomgate
