// SPDX-License-Identifier: Apache-2.0
#include "runner/report/text.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

TEST(Printable, NothingMovesTheCursor) {
  EXPECT_EQ(Printable("a\x1b[31mb\r\n\tc\x7f"), "a\\x1b[31mb\\x0d\\n c\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m é \xff"),
            "\\x9b31m é ?");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableLines, IndentsEach) {
  EXPECT_EQ(PrintableLines("a\r\nb", "  "), "  a\n  b\n");
  EXPECT_EQ(PrintableLines("a\n\n", "> "), "> a\n> \n");
  EXPECT_EQ(PrintableLines("", "> "), "");
}

TEST(Wrapped, BreaksBetweenWords) {
  EXPECT_EQ(Wrapped("a b\nc", "  "), "  a b c\n");
  const std::string word(50, 'x');
  EXPECT_EQ(Wrapped(word + " " + word, " "), " " + word + "\n " + word + "\n");
}

TEST(ShellQuoted, OnlyWhereItMustBe) {
  EXPECT_EQ(ShellQuoted("--on=vm"), "--on=vm");
  EXPECT_EQ(ShellQuoted("a/b[x=1]"), "'a/b[x=1]'");
  EXPECT_EQ(ShellQuoted("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellQuoted(""), "''");
  EXPECT_EQ(ShellQuoted(std::vector<std::string>{"a", "b c"}), "a 'b c'");
}

}  // namespace
}  // namespace oomgate
