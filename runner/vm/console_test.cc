// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/console.h"

#include <gmock/gmock.h>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST(Console, ExcerptBeginsAtTheMark) {
  Console console;
  console.Feed("before\r\n");
  console.Mark();
  console.Feed("after\r\n");
  EXPECT_EQ(console.Excerpt(), "after\n");
  EXPECT_EQ(console.bytes(), 15U);
}

TEST(Console, MarkMayLieInThePast) {
  Console console;
  console.Feed("before\n");
  const std::uint64_t position = console.bytes();
  console.Feed("after\n");
  console.Mark(position);
  EXPECT_EQ(console.Excerpt(), "after\n");
  console.Mark();
  EXPECT_EQ(console.Excerpt(), "");
  console.Mark(position);  // gone: what is left is told
  EXPECT_EQ(console.Excerpt(), "[6 bytes left out]\n");
}

TEST(Console, ExcerptIsPrintable) {
  Console console;
  console.Feed(std::string_view("a\0\x1b[2J\tb\xff", 9));
  EXPECT_EQ(console.Excerpt(), "a\\x00\\x1b[2J\tb\\xff");
}

TEST(Console, LongTextKeepsItsEndInWholeLines) {
  Console console;
  for (int i = 0; i < 100000; ++i) {
    console.Feed("line " + std::to_string(i) + "\n");
  }
  const std::string excerpt = console.Excerpt();
  EXPECT_LE(excerpt.size(), 17000U);
  EXPECT_THAT(excerpt, StartsWith("["));
  EXPECT_THAT(excerpt, HasSubstr(" bytes left out]\nline "));
  EXPECT_THAT(excerpt, EndsWith("line 99999\n"));
}

TEST(Console, TellsAPanicByItsWords) {
  Console console;
  console.Feed("[    1.0] Kernel pan");
  EXPECT_EQ(console.Panic(), "");
  console.Feed("ic - not syncing: sysrq triggered crash\r\n[ 1.1] CPU: 0\r\n");
  EXPECT_EQ(console.Panic(), "not syncing: sysrq triggered crash");
}

TEST(Console, UnwritableLogIsNamed) {
  EXPECT_THROW(Console("/no/such/folder/console.log"), HarnessError);
}

}  // namespace
}  // namespace oomgate
