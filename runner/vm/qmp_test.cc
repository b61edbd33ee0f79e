// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/qmp.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class QmpTest : public testing::Test {
 protected:
  void Says(const std::string& text) {
    ASSERT_EQ(write(channel_.theirs(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  std::string Heard() {
    char buffer[4096];
    const ssize_t n = read(channel_.theirs(), buffer, sizeof buffer);
    return std::string(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  QemuSocket channel_;
};

TEST_F(QmpTest, IntroducesItself) {
  Qmp qmp(channel_);
  EXPECT_THAT(Heard(), HasSubstr("qmp_capabilities"));
}

TEST_F(QmpTest, NotesTheCauseOfAShutdown) {
  Qmp qmp(channel_);
  Says("{\"QMP\":{}}\n{\"event\":\"SHUT");
  qmp.Pump();
  EXPECT_EQ(qmp.shutdown_reason(), "");
  Says("DOWN\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\"}}\n");
  qmp.Pump();
  EXPECT_EQ(qmp.shutdown_reason(), "guest-reset");
}

TEST_F(QmpTest, SurvivesGarbage) {
  Qmp qmp(channel_);
  Says("}{\n[1]\n{\"event\":7}\n{\"event\":\"SHUTDOWN\"}\n");
  qmp.Pump();
  EXPECT_EQ(qmp.shutdown_reason(), "unknown");
}

TEST_F(QmpTest, FindsItsAnswerAmongEvents) {
  Qmp qmp(channel_);
  Heard();
  std::thread peer([this] {
    EXPECT_THAT(Heard(), HasSubstr("inject-nmi"));
    Says("{\"return\":{},\"id\":0}\n{\"event\":\"RESET\"}\n");
    Says("{\"return\":{\"x\":1},\"id\":1}\n");
  });
  const auto answer = qmp.Execute("inject-nmi", {}, milliseconds(5000));
  peer.join();
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)["return"]["x"], 1);
}

TEST_F(QmpTest, GivesUpAtTheDeadlineAndWhenQemuIsGone) {
  Qmp qmp(channel_);
  EXPECT_FALSE(qmp.Execute("inject-nmi", {}, milliseconds(50)));
  channel_.CloseTheirs();
  EXPECT_FALSE(qmp.Execute("inject-nmi", {}, milliseconds(60000)));
}

}  // namespace
}  // namespace oomgate
