// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/apt_sources.h"

#include <gmock/gmock.h>

#include "runner/kernel/synthetic_test.h"

namespace oomgate {
namespace {

using synthetic::Folder;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(ReadMirrors, ReadsLines) {
  const Folder etc;
  etc.Write("sources.list",
            "# deb http://mirror.example/old/debian sid main\n"
            "deb-src http://mirror.example/source/debian bookworm main\n"
            "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian/ "
            "bookworm main\n");
  etc.Write("sources.list.d/security.list",
            "deb http://mirror.example/debian-security bookworm-security "
            "main\n");
  etc.Write("sources.list.d/other.list.disabled",
            "deb http://mirror.example/disabled/debian sid main\n");
  const auto mirrors = ReadMirrors(etc.path(), KernelCatalog());
  ASSERT_EQ(mirrors.size(), 2u);
  EXPECT_EQ(mirrors[0].repository, "debian");
  EXPECT_EQ(mirrors[0].uri, "http://mirror.example/debian/");
  EXPECT_EQ(mirrors[0].signed_by, "/k.gpg");
  EXPECT_EQ(mirrors[1].repository, "debian-security");
  EXPECT_EQ(mirrors[1].signed_by, "");
}

TEST(ReadMirrors, ReadsStanzasWithKeysInside) {
  const Folder etc;
  etc.Write("sources.list.d/debian.sources",
            "Types: deb deb-src\n"
            "# a comment\n"
            "URIs: http://mirror.example/debian\n"
            "Suites: bookworm\n"
            "Signed-By:\n"
            " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
            " .\n"
            " AAAA\n"
            "\n"
            "Types: deb\n"
            "URIs: http://mirror.example/off/debian-security\n"
            "Enabled: no\n"
            "\n"
            "Types: deb\n"
            "URIs: mirror+file:///etc/apt/mirrors/debian-security.list\n");
  const auto mirrors = ReadMirrors(etc.path(), KernelCatalog());
  ASSERT_EQ(mirrors.size(), 2u);
  EXPECT_EQ(mirrors[0].signed_by,
            "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n AAAA");
  EXPECT_EQ(mirrors[1].uri,
            "mirror+file:///etc/apt/mirrors/debian-security.list");
  EXPECT_THAT(WriteSources(mirrors, KernelCatalog()),
              HasSubstr("Signed-By: \n -----BEGIN"));
}

TEST(ReadMirrors, OtherDistributionsHaveNone) {
  const Folder etc;
  etc.Write("sources.list", "deb http://mirror.example/ubuntu noble main\n");
  EXPECT_THAT(ReadMirrors(etc.path(), KernelCatalog()), IsEmpty());
  EXPECT_THAT(ReadMirrors(etc.path() / "absent", KernelCatalog()), IsEmpty());
}

TEST(WriteSources, NamesEverySuiteWithKernels) {
  const std::string text = WriteSources({{.repository = "debian",
                                          .uri = "http://mirror.example/debian",
                                          .signed_by = "/k.gpg"}},
                                        KernelCatalog());
  EXPECT_THAT(text, HasSubstr("URIs: http://mirror.example/debian\n"));
  EXPECT_THAT(text, HasSubstr(" bookworm "));
  EXPECT_THAT(text, HasSubstr("Signed-By: /k.gpg\n"));
  EXPECT_THAT(text, Not(HasSubstr("security")));
  EXPECT_THAT(text, Not(HasSubstr("Trusted")));
}

}  // namespace
}  // namespace oomgate
