// SPDX-License-Identifier: Apache-2.0
#include "runner/profile/function_counts.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::Pair;

Symbols TwoFunctions() {
  Symbols symbols;
  symbols.Add(0xffffffff81000000, "first");
  symbols.Add(0xffffffff81000040, "second");
  return symbols;
}

TEST(CountFunctions, AddsUpByFunction) {
  Profile profile;
  ASSERT_TRUE(
      CountFunctions("deed\nffffffff81000004 7\n0 100\nffffffff81000000 3\n"
                     "ffffffff81000044 18446744073709551000\n"
                     "ffffffff80000000 1\n",
                     TwoFunctions(), profile));
  EXPECT_EQ(profile.scope, "deed");
  EXPECT_THAT(
      profile.functions,
      ElementsAre(Pair(kNoSymbol, 1), Pair(kUserSpace, 100), Pair("first", 10),
                  Pair("second", 18446744073709551000U)));
}

TEST(CountFunctions, WhatIsNotWholeIsNone) {
  const Symbols symbols = TwoFunctions();
  for (const char* counts :
       {"", "deed\n", "elsewhere\n0 1\n", "guest\n0 1\nffffffff81000000 x\n"}) {
    Profile profile;
    EXPECT_FALSE(CountFunctions(counts, symbols, profile)) << counts;
  }
}

}  // namespace
}  // namespace oomgate
