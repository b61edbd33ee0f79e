// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/image.h"

#include <gmock/gmock.h>

#include "runner/error.h"
#include "runner/kernel/elf_image.h"
#include "runner/kernel/synthetic_test.h"

namespace oomgate {
namespace {

using namespace synthetic;
using testing::AllOf;
using testing::HasSubstr;

std::string Complaint(const std::string& bytes) {
  return MessageOf<UserError>([&] { ReadImage("some/file", bytes); });
}

class EveryCompression : public testing::TestWithParam<int> {};

TEST_P(EveryCompression, BzImageGivesItsElf) {
  const std::string elf = Make(Vmlinux{.release = "6.12.1"});
  const BootImage image =
      ReadImage("f", MakeBzImage("6.12.1", elf, GetParam()));
  EXPECT_EQ(image.release, "6.12.1");
  EXPECT_TRUE(image.pvh);
  const auto read = ReadElf(image.bytes);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->pvh);
  EXPECT_EQ(image.bytes.size(), elf.size());
}

INSTANTIATE_TEST_SUITE_P(Image, EveryCompression,
                         testing::Values(ARCHIVE_FILTER_GZIP,
                                         ARCHIVE_FILTER_BZIP2,
                                         ARCHIVE_FILTER_LZMA, ARCHIVE_FILTER_XZ,
                                         ARCHIVE_FILTER_LZ4,
                                         ARCHIVE_FILTER_ZSTD));

TEST(ReadImage, BzImageWithoutPvhBootsAsItIs) {
  const std::string bytes =
      MakeBzImage("4.15.0", Make(Vmlinux{.release = "4.15.0", .pvh = false}));
  const BootImage image = ReadImage("f", bytes);
  EXPECT_FALSE(image.pvh);
  EXPECT_EQ(image.bytes, bytes);
  EXPECT_EQ(image.release, "4.15.0");
}

TEST(ReadImage, BzImageWithAnUnknownCompressionBootsAsItIs) {
  std::string bytes = MakeBzImage("6.1.0");
  bytes.replace(1024 + 32, 6, "xxxxxx");
  const BootImage image = ReadImage("f", bytes);
  EXPECT_FALSE(image.pvh);
  EXPECT_EQ(image.bytes, bytes);
}

TEST(ReadImage, VmlinuxLosesWhatIsNotLoaded) {
  const BootImage image = ReadImage(
      "f", Make(Vmlinux{.debug_information = std::string(100000, 'd')}));
  EXPECT_EQ(image.release, "6.1.0-1-test-amd64");
  EXPECT_TRUE(image.pvh);
  EXPECT_LT(image.bytes.size(), 1000u);
  EXPECT_TRUE(ReadElf(image.bytes)->pvh);
}

TEST(ReadImage, TakesTheConfigurationOutOfTheImage) {
  const std::string config = "CONFIG_NUMA=y\n";
  const std::string inside =
      "IKCFG_ST" + Compress(config, ARCHIVE_FILTER_GZIP) + "IKCFG_ED";
  const std::string elf = Make(Vmlinux{.debug_information = inside});
  EXPECT_EQ(ReadImage("f", elf).config, config);
  EXPECT_EQ(ReadImage("f", MakeBzImage("6.1.0", elf)).config, config);
}

TEST(ReadImage, VmlinuxWithoutPvhSaysHowToGetOne) {
  EXPECT_THAT(Complaint(Make(Vmlinux{.pvh = false})),
              AllOf(HasSubstr("some/file"), HasSubstr("CONFIG_PVH=y")));
}

TEST(ReadImage, TruncatedFilesSaySo) {
  const std::string bytes = MakeBzImage("6.1.0");
  EXPECT_THAT(Complaint(bytes.substr(0, bytes.size() - 20)),
              AllOf(HasSubstr("some/file: truncated"),
                    HasSubstr(std::to_string(bytes.size()))));
  EXPECT_THAT(Complaint(Make(Vmlinux{}).substr(0, 280)),
              HasSubstr("some/file: truncated"));
  EXPECT_THAT(Complaint(Make(Vmlinux{}).substr(0, 40)),
              HasSubstr("some/file: truncated"));
}

TEST(ReadImage, AnySizeOfATruncatedImageIsRefused) {
  for (const std::string& bytes : {MakeBzImage("6.1.0"), Make(Vmlinux{})}) {
    for (std::size_t size = 0; size < bytes.size(); size += 3) {
      EXPECT_NE(Complaint(bytes.substr(0, size)), "") << size;
    }
  }
}

TEST(ReadImage, OtherArchitecturesAreNamed) {
  EXPECT_THAT(Complaint(Make(Vmlinux{.machine = EM_AARCH64})),
              HasSubstr("arm64"));
  EXPECT_THAT(Complaint(Make(Vmlinux{.machine = EM_RISCV})),
              HasSubstr("RISC-V"));
  std::string arm(1024, '\0');
  arm.replace(0x38, 4, "ARMd");
  EXPECT_THAT(Complaint(arm), HasSubstr("arm64"));
  std::string i386 = MakeBzImage("6.1.0");
  Put(i386, 0x236, std::uint16_t{0});
  EXPECT_THAT(Complaint(i386), HasSubstr("32-bit x86"));
}

TEST(ReadImage, OtherFilesAreNoKernels) {
  EXPECT_THAT(Complaint(""), HasSubstr("0 bytes are too few"));
  EXPECT_THAT(Complaint(std::string(5000, 'x')),
              HasSubstr("neither a bzImage"));
  EXPECT_THAT(Complaint(MakeModule("virtio")), HasSubstr("no Linux kernel"));
}

TEST(ReadImage, ReleaseIsNoPath) {
  EXPECT_NE(Complaint(MakeBzImage("../../etc")), "");
  EXPECT_NE(Complaint(MakeBzImage("")), "");
}

TEST(ReleaseIn, NeedsNoDecompression) {
  EXPECT_EQ(ReleaseIn(MakeBzImage("6.1.0-2")), "6.1.0-2");
  EXPECT_EQ(ReleaseIn(Make(Vmlinux{.release = "6.9"})), "6.9");
}

}  // namespace
}  // namespace oomgate
