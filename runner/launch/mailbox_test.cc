// SPDX-License-Identifier: Apache-2.0
#include "runner/launch/mailbox.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

TEST(Mailbox, ItsTextComesBack) {
  for (const std::string& text :
       {std::string(), std::string("run x\n"), std::string(700000, 'y')}) {
    const std::string bytes = Mailbox(text);
    EXPECT_EQ(bytes.size(), kMailboxSize);
    EXPECT_EQ(AwaitMail(reinterpret_cast<const unsigned char*>(bytes.data())),
              text);
  }
}

TEST(Mailbox, WhatIsTooLongIsNone) {
  EXPECT_EQ(Mailbox(std::string(kMailboxSize, 'x')), "");
}

TEST(Mailbox, AnImpossibleLengthIsNoText) {
  std::string bytes = Mailbox("text");
  bytes[15] = '\x7f';
  EXPECT_EQ(AwaitMail(reinterpret_cast<const unsigned char*>(bytes.data())),
            "");
}

}  // namespace
}  // namespace oomgate
