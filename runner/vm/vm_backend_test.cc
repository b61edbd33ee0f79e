// SPDX-License-Identifier: Apache-2.0
// Guests that end in every way there is, under a real kernel: any cached one,
// or the one that $OOMGATE_TEST_KERNEL names. TCG, so that it works anywhere.
#include "runner/vm/vm_backend.h"

#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include "runner/error.h"
#include "runner/kernel/store.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class Remembers : public Sink {
 public:
  void OnLine(std::string_view) override {}
  void OnStart(const Start& start) override { starts.push_back(start); }
  void OnBegin(const OrderGroup&, const InstanceName&) override {
    if (on_begin) on_begin();
  }
  void OnResult(const Result& result) override { results[result.id] = result; }
  void OnNotice(const std::string& text) override { notices.push_back(text); }

  std::function<void()> on_begin;
  std::vector<Start> starts;
  std::map<std::string, Result> results;
  std::vector<std::string> notices;
};

std::optional<Kernel> AnyKernel() {
  const char* named = std::getenv("OOMGATE_TEST_KERNEL");
  for (const Kernel& kernel : KernelStore().List()) {
    if (named == nullptr || kernel.release.starts_with(named)) return kernel;
  }
  return std::nullopt;
}

class VmBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/oomgate-vm-XXXXXX";
    folder_ = mkdtemp(name.data());
    fs::create_directory(folder_ / "scratch");
    const std::optional<Kernel> kernel = AnyKernel();
    if (!kernel) GTEST_SKIP() << "no kernel in the cache: oomgate kernel fetch";
    options_.kernel = *kernel;
    options_.accelerator = AcceleratorChoice::kTcg;
    options_.init = fs::read_symlink("/proc/self/exe")
                        .replace_filename("oomgate-test-init");
    options_.cases = options_.init;
    options_.cold = true;  // it does not know how to be saved
    options_.scratch = folder_ / "scratch";
    options_.console = folder_;
    if (FindQemu().program.empty()) GTEST_SKIP() << MissingQemu({});
    group_.shape = {.place = Place::kVm, .memory = 256_MiB};
  }
  ~VmBackendTest() override { fs::remove_all(folder_); }

  void Add(const std::string& how) {
    Order order;
    order.name.id = "test/" + how;
    order.timeout_seconds = -32;  // with the judge's time and grace: 3 s
    group_.orders.push_back(order);
  }
  void Run() { VmBackend(options_).Run(group_, sink_, cancel_); }
  const Result& Of(const std::string& how) {
    return sink_.results["test/" + how];
  }

  fs::path folder_;
  VmOptions options_;
  OrderGroup group_;
  Remembers sink_;
  Cancel cancel_;
};

TEST_F(VmBackendTest, RunsAllInOneGuest) {
  Add("pass");
  Add("say");
  Run();
  EXPECT_EQ(Of("pass").verdict, Verdict::kPass);
  EXPECT_EQ(Of("say").verdict, Verdict::kFail);
  EXPECT_THAT(Of("say").console, HasSubstr("oomgate says something"));
  EXPECT_THAT(sink_.starts, SizeIs(1));
  EXPECT_EQ(sink_.starts.at(0).accelerator, "tcg");
  EXPECT_TRUE(fs::is_empty(options_.scratch));
  EXPECT_GT(fs::file_size(folder_ / "console-001-vm-256m-1cpu.log"), 0U);
}

TEST_F(VmBackendTest, PanicLosesOneAndTheRestGoesOn) {
  Add("panic");
  Add("pass");
  Run();
  EXPECT_EQ(Of("panic").verdict, Verdict::kLost);
  EXPECT_THAT(Of("panic").reason,
              HasSubstr("the guest's kernel panicked: not syncing: "));
  EXPECT_THAT(Of("panic").console, HasSubstr("Kernel panic"));
  EXPECT_EQ(Of("pass").verdict, Verdict::kPass);
  EXPECT_THAT(sink_.starts, SizeIs(2));
}

TEST_F(VmBackendTest, HangIsAskedBySysrqThenEndedByAnNmi) {
  Add("hang");
  Run();
  EXPECT_EQ(Of("hang").verdict, Verdict::kLost);
  EXPECT_THAT(Of("hang").reason,
              AllOf(HasSubstr("no progress within 3 s after test/hang began"),
                    HasSubstr("it answered sysrq, an NMI ended it")));
  EXPECT_THAT(Of("hang").console,
              AllOf(HasSubstr("Mem-Info"), HasSubstr("Show Blocked State"),
                    HasSubstr("NMI")));
}

TEST_F(VmBackendTest, EarlyEndsAreTold) {
  Add("exit");
  Add("init_dies");
  Run();
  EXPECT_EQ(Of("exit").verdict, Verdict::kLost);
  EXPECT_THAT(Of("exit").reason, HasSubstr("QEMU exited with status 7"));
  EXPECT_THAT(Of("init_dies").reason, HasSubstr("Attempted to kill init"));
}

TEST_F(VmBackendTest, GarbageOnTheStreamHurtsNobody) {
  Add("garbage");
  Add("pass");
  Run();
  EXPECT_EQ(Of("garbage").verdict, Verdict::kPass);
  EXPECT_EQ(Of("pass").verdict, Verdict::kPass);
  EXPECT_THAT(sink_.starts, SizeIs(1));
}

TEST_F(VmBackendTest, FloodsAreCutOff) {
  options_.limits.records = 256 << 10;
  options_.limits.console = 64 << 10;
  Add("flood");
  Add("flood_console");
  for (Order& order : group_.orders) order.timeout_seconds = 30;
  Run();
  EXPECT_THAT(Of("flood").reason, HasSubstr("flooded its record channel"));
  EXPECT_THAT(Of("flood_console").reason, HasSubstr("flooded its console"));
  EXPECT_LT(fs::file_size(folder_ / "console-001-vm-256m-1cpu.log"), 2U << 20);
}

TEST_F(VmBackendTest, TwoFutileBootsBreakWhatIsLeft) {
  Add("boot_init_dies");
  Add("pass");
  Run();
  for (const char* how : {"boot_init_dies", "pass"}) {
    EXPECT_EQ(Of(how).verdict, Verdict::kBroken);
    EXPECT_THAT(Of(how).reason, HasSubstr("Attempted to kill init"));
    EXPECT_THAT(Of(how).console, HasSubstr("Run /init"));  // told all
  }
  EXPECT_THAT(sink_.starts, IsEmpty());
}

TEST_F(VmBackendTest, TooLittleMemoryIsSaid) {
  group_.shape.memory = 24_MiB;
  Add("pass");
  Run();
  EXPECT_EQ(Of("pass").verdict, Verdict::kBroken);
  EXPECT_THAT(Of("pass").reason, HasSubstr("24m of memory may be too little"));
}

TEST_F(VmBackendTest, WrongArgumentsBringQemusWords) {
  options_.kernel.image = "/no/such/vmlinux";
  Add("pass");
  Run();
  EXPECT_EQ(Of("pass").verdict, Verdict::kBroken);
  EXPECT_THAT(Of("pass").reason, HasSubstr("/no/such/vmlinux"));
}

TEST_F(VmBackendTest, CancelEndsAGuestAtOnce) {
  Add("hang");
  group_.orders[0].timeout_seconds = 600;
  sink_.on_begin = [] { kill(getpid(), SIGTERM); };
  const auto before = std::chrono::steady_clock::now();
  Run();
  EXPECT_LT(std::chrono::steady_clock::now() - before,
            std::chrono::seconds(60));
  EXPECT_THAT(sink_.results, IsEmpty());
  sigset_t pending;  // the other tests want to go on
  sigemptyset(&pending);
  sigaddset(&pending, SIGTERM);
  int signal = 0;
  sigwait(&pending, &signal);
}

TEST_F(VmBackendTest, SwapAndNodes) {
  group_.shape.cpus = 2;
  group_.shape.nodes = 2;
  group_.shape.swap = 64_MiB;
  Add("pass");
  Run();
  EXPECT_EQ(Of("pass").verdict, Verdict::kPass);
}

}  // namespace
}  // namespace oomgate
