// SPDX-License-Identifier: Apache-2.0
#include "runner/report/cases.h"

#include <gmock/gmock.h>

#include "oomgate/model/json.h"

namespace oomgate {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

CaseInfo ZeroPage() {
  CaseInfo info;
  info.id = "pages/zero_page";
  info.summary = "reads share the zero page";
  info.steps = {"read", "read again"};
  info.explains.claim = "Since 2.6.\nSee mm/memory.c.";
  info.blast = Blast::kCgroup;
  Metric metric;
  metric.name = "peak_rss";
  metric.better = Better::kLower;
  info.metrics = {metric};
  for (const char* touch : {"read", "write"}) {
    InstanceInfo instance;
    instance.params = Params(Params::Map{{"touch", touch}});
    instance.needs.memory = 96_MiB;
    instance.needs.settings = {{"/proc/sys/vm/overcommit_memory", "1"}};
    info.instances.push_back(instance);
  }
  return info;
}

CaseInfo Meta() {
  CaseInfo info;
  info.id = "meta/pass";
  info.meta = true;
  info.instances.resize(1);
  return info;
}

TEST(ListJson, IdsParamsAndInstances) {
  const Json json = Json::parse(ListJson({ZeroPage()}));
  const Json& first = json.at("cases").at(0);
  EXPECT_EQ(json.size(), 1U);
  EXPECT_EQ(first.at("id"), "pages/zero_page");
  EXPECT_EQ(first.at("blast"), "cgroup");
  EXPECT_EQ(first.at("steps"), Json::array({"read", "read again"}));
  EXPECT_EQ(first.at("params"), Json::parse(R"({"touch":["read","write"]})"));
  EXPECT_EQ(first.at("instances").at(1), "pages/zero_page[touch=write]");
  EXPECT_EQ(Json::parse(ListJson({})), Json::parse(R"({"cases":[]})"));
}

TEST(ListText, ATableThatSaysWhatIsHidden) {
  EXPECT_EQ(ListText({ZeroPage()}, {ZeroPage(), Meta()}),
            "pages/zero_page  cgroup   reads share the zero page  "
            "[touch=read,write]\n"
            "1 case, 2 instances; those that prove the harness: oomgate list "
            "'meta/*'\n");
}

TEST(ExplainText, AllThatIsKnown) {
  const Machine machine{
      .cpus = 1, .memory = 1_GiB, .available = 1_GiB, .cgroup = 1};
  EXPECT_THAT(
      ExplainText(ZeroPage(), machine),
      AllOf(HasSubstr("stands for\n  Since 2.6. See mm/memory.c.\n"),
            HasSubstr("\nsteps\n  1. read\n  2. read again\n"),
            HasSubstr("memory 96m, /proc/sys/vm/overcommit_memory = 1"),
            HasSubstr("peak_rss (count, exact, lower is better)"),
            HasSubstr("host    no: the case reaches as far as its cgroup"),
            HasSubstr("cgroup  yes, in cgroup1-96m"),
            HasSubstr("vm      yes, in vm-256m-1cpu"),
            HasSubstr("oomgate run pages/zero_page --on=vm"),
            Not(HasSubstr("nothing"))));
}

}  // namespace
}  // namespace oomgate
