// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/accelerator.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "runner/error.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ChooseAcceleratorTest : public testing::Test {
 protected:
  ChooseAcceleratorTest() {
    std::string name = testing::TempDir() + "/oomgate-XXXXXX";
    folder_ = mkdtemp(name.data());
    std::ofstream(folder_ / "kvm") << "";
  }
  ~ChooseAcceleratorTest() override { fs::remove_all(folder_); }

  AcceleratorQuestion Question(AcceleratorChoice choice) {
    return {
        .choice = choice,
        .key = key_,
        .canary =
            [this] {
              ++boots_;
              return answer_;
            },
        .notice = [this](const std::string& text) { notices_.push_back(text); },
        .device = folder_ / "kvm",
        .cache = {.path = folder_ / "cache" / "kvm.json",
                  .host_boot = host_boot_}};
  }
  Accelerator Auto() {
    return ChooseAccelerator(Question(AcceleratorChoice::kAuto));
  }

  fs::path folder_;
  std::string key_ = "7.2 6.1";
  std::string host_boot_ = "one";
  std::optional<std::string> answer_ = "";
  int boots_ = 0;
  std::vector<std::string> notices_;
};

TEST_F(ChooseAcceleratorTest, TcgAsksNothing) {
  EXPECT_EQ(ChooseAccelerator(Question(AcceleratorChoice::kTcg)),
            Accelerator::kTcg);
  EXPECT_EQ(boots_, 0);
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(ChooseAcceleratorTest, KvmIsProvedOncePerKeyAndHostBoot) {
  EXPECT_EQ(Auto(), Accelerator::kKvm);
  EXPECT_EQ(Auto(), Accelerator::kKvm);
  EXPECT_EQ(boots_, 1);
  key_ = "7.2 6.12";
  EXPECT_EQ(Auto(), Accelerator::kKvm);
  EXPECT_EQ(boots_, 2);
  key_ = "7.2 6.1";  // still known
  EXPECT_EQ(Auto(), Accelerator::kKvm);
  EXPECT_EQ(boots_, 2);
  host_boot_ = "two";
  EXPECT_EQ(Auto(), Accelerator::kKvm);
  EXPECT_EQ(boots_, 3);
}

TEST_F(ChooseAcceleratorTest, HangingKvmIsSaidAloudEveryTime) {
  answer_ = "/dev/kvm exists, but a guest did not boot";
  EXPECT_EQ(Auto(), Accelerator::kTcg);
  EXPECT_EQ(Auto(), Accelerator::kTcg);
  EXPECT_EQ(boots_, 1);
  const std::string said =
      "kvm: /dev/kvm exists, but a guest did not boot: using tcg";
  EXPECT_THAT(notices_, ElementsAre(said, said));
}

TEST_F(ChooseAcceleratorTest, InterruptedProofIsNotKept) {
  answer_ = std::nullopt;
  EXPECT_EQ(Auto(), Accelerator::kTcg);
  answer_ = "";
  EXPECT_EQ(Auto(), Accelerator::kKvm);
  EXPECT_EQ(boots_, 2);
}

TEST_F(ChooseAcceleratorTest, DamagedCacheIsAskedAgain) {
  EXPECT_EQ(Auto(), Accelerator::kKvm);
  for (const char* text :
       {"", "{", "[]", "{\"host_boot\":\"one\"}",
        "{\"host_boot\":\"one\",\"answers\":7}",
        "{\"host_boot\":\"one\",\"answers\":{\"7.2 6.1\":7}}"}) {
    std::ofstream(folder_ / "cache" / "kvm.json") << text;
    boots_ = 0;
    EXPECT_EQ(Auto(), Accelerator::kKvm);
    EXPECT_EQ(boots_, 1) << text;
  }
}

TEST_F(ChooseAcceleratorTest, KvmOnRequestMustWork) {
  answer_ = "it hangs";
  EXPECT_THROW(ChooseAccelerator(Question(AcceleratorChoice::kKvm)), UserError);
  answer_ = "";
  key_ = "other";
  EXPECT_EQ(ChooseAccelerator(Question(AcceleratorChoice::kKvm)),
            Accelerator::kKvm);
}

TEST_F(ChooseAcceleratorTest, WithoutDeviceNothingIsBooted) {
  fs::remove(folder_ / "kvm");
  EXPECT_EQ(Auto(), Accelerator::kTcg);
  EXPECT_EQ(boots_, 0);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("there is no ")));
}

TEST(ParseAccelerator, KnowsThree) {
  EXPECT_EQ(ParseAccelerator("auto"), AcceleratorChoice::kAuto);
  EXPECT_EQ(ParseAccelerator("tcg"), AcceleratorChoice::kTcg);
  EXPECT_THROW(ParseAccelerator("xen"), UserError);
}

}  // namespace
}  // namespace oomgate
