// SPDX-License-Identifier: Apache-2.0
#include "runner/launch/frame.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Frame(std::uint32_t sequence, std::string_view line) {
  char header[32];
  const int length = FrameHeader(sequence, line, header);
  return std::string(header, static_cast<std::size_t>(length)) +
         std::string(line) + "\n";
}

TEST(Crc32, KnownValue) { EXPECT_EQ(Crc32("123456789"), 0xCBF43926U); }

TEST(FrameReader, TakesLinesInAnyPieces) {
  const std::string stream =
      Frame(0, "{\"a\":1}") + Frame(1, "") + Frame(2, "x");
  FrameReader reader;
  std::vector<std::string> lines;
  for (const char c : stream) reader.Feed(std::string_view(&c, 1), lines);
  EXPECT_THAT(lines, ElementsAre("{\"a\":1}", "", "x"));
  EXPECT_EQ(reader.garbled(), 0U);
  EXPECT_EQ(reader.missing(), 0U);
  EXPECT_EQ(reader.bytes(), stream.size());
}

TEST(FrameReader, ThrowsGarbageAwayAndCountsIt) {
  std::string damaged = Frame(1, "{\"b\":2}");
  damaged[damaged.size() - 3] ^= 1;
  FrameReader reader;
  std::vector<std::string> lines;
  reader.Feed("noise\n@x\n@1 123\n" + Frame(0, "a") + damaged + Frame(2, "c"),
              lines);
  EXPECT_THAT(lines, ElementsAre("a", "c"));
  EXPECT_EQ(reader.garbled(), 4U);
  EXPECT_EQ(reader.missing(), 1U);
}

TEST(FrameReader, AFloodWithoutLineBreaksStaysBounded) {
  FrameReader reader;
  std::vector<std::string> lines;
  for (int i = 0; i < 64; ++i) reader.Feed(std::string(16 << 10, 'x'), lines);
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_GE(reader.garbled(), 3U);
}

}  // namespace
}  // namespace oomgate
