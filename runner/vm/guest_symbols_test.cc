// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/guest_symbols.h"

#include <gtest/gtest.h>

#include <vector>

#include "runner/error.h"

namespace oomgate {
namespace {

using OnLine = GuestSymbols::OnLine;

std::function<GuestEnd(const OnLine&)> Says(std::vector<std::string> lines,
                                            GuestEnd end, int* asked) {
  return [=](const OnLine& on_line) {
    ++*asked;
    for (const std::string& line : lines) on_line(line);
    return end;
  };
}

constexpr const char* kPiece =
    R"({"event":"symbols","text":"ffffffff81000000 first 40 second "})";

TEST(GuestSymbols, OneOfAKindIsAsked) {
  GuestSymbols symbols;
  int asked = 0;
  const auto ask = Says({R"({"event":"start"})", "noise", kPiece},
                        {Fate::kEnded, ""}, &asked);
  EXPECT_EQ(symbols.For("small", ask).NameOf(0xffffffff81000040), "second");
  EXPECT_EQ(symbols.For("small", ask).NameOf(0xffffffff81000000), "first");
  EXPECT_EQ(asked, 1);
  symbols.For("large", ask);
  EXPECT_EQ(asked, 2);
}

TEST(GuestSymbols, NothingIsTrustedThatIsNotWhole) {
  GuestSymbols symbols;
  int asked = 0;
  // A kernel without is the user's to mend.
  EXPECT_THROW(symbols.For("none", Says({}, {Fate::kEnded, ""}, &asked)),
               UserError);
  EXPECT_THROW(symbols.For("died", Says({kPiece}, {Fate::kDied, "x"}, &asked)),
               HarnessError);
  GuestEnd lossy{Fate::kEnded, ""};
  lossy.missing = 1;
  EXPECT_THROW(symbols.For("lossy", Says({kPiece}, lossy, &asked)),
               HarnessError);
  EXPECT_THROW(symbols.For("strange", Says({R"({"event":"symbols"})"},
                                           {Fate::kEnded, ""}, &asked)),
               HarnessError);
}

}  // namespace
}  // namespace oomgate
