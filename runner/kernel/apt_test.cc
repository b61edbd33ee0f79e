// SPDX-License-Identifier: Apache-2.0
// The real apt against a repository made of files: no network.
#include "runner/kernel/apt.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "runner/error.h"
#include "runner/kernel/store.h"
#include "runner/kernel/synthetic_test.h"
#include "runner/process.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using namespace synthetic;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kPackage = "linux-image-6.1.0-7-cloud-amd64";

std::string Sha256(const fs::path& file) {
  const Finished sum =
      RunToEnd({.argv = {"sha256sum", file}}, std::chrono::seconds(10));
  return sum.out.substr(0, 64);
}

// A repository that has bookworm, and no other suite.
struct AptTest : testing::Test {
  Folder folder;
  fs::path etc = folder.path() / "etc";
  KernelStore store{folder.path() / "cache/kernels", etc};

  void SetUp() override {
    if (FindProgram("apt-get").empty() || FindProgram("sha256sum").empty()) {
      GTEST_SKIP() << "needs apt-get and sha256sum";
    }
    folder.Write("etc/sources.list", "deb [trusted=yes] file:" +
                                         (folder.path() / "debian").string() +
                                         " bookworm main\n");
    Publish("6.1.7-1");
  }

  void Publish(const std::string& version) {
    const std::string deb =
        std::string("pool/") + kPackage + "_" + version + "_amd64.deb";
    const fs::path file = folder.Write(
        "debian/" + deb, MakeDeb(kPackage, version,
                                 {{"./boot/vmlinuz-6.1.0-7-cloud-amd64",
                                   MakeBzImage("6.1.0-7-cloud-amd64")}}));
    const std::string packages =
        std::string("Package: ") + kPackage + "\nVersion: " + version +
        "\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\n"
        "Filename: " +
        deb + "\nSize: " + std::to_string(fs::file_size(file)) +
        "\nSHA256: " + Sha256(file) + "\nDescription: synthetic\n\n";
    const fs::path list = folder.Write(
        "debian/dists/bookworm/main/binary-amd64/Packages", packages);
    folder.Write("debian/dists/bookworm/Release",
                 "Suite: bookworm\nCodename: bookworm\nComponents: main\n"
                 "Architectures: amd64\nDate: Sat, 01 Aug 2026 00:00:00 UTC\n"
                 "SHA256:\n " +
                     Sha256(list) + " " + std::to_string(packages.size()) +
                     " main/binary-amd64/Packages\n");
  }
};

TEST_F(AptTest, FetchesThoughOtherSuitesAreMissing) {
  const Kernel kernel = store.Fetch("debian:6.1");
  EXPECT_EQ(kernel.release, "6.1.0-7-cloud-amd64");
  EXPECT_EQ(kernel.source, std::string("debian:") + kPackage + " 6.1.7-1");
  EXPECT_TRUE(kernel.pvh);
  EXPECT_EQ(store.Resolve("debian:6.1").directory, kernel.directory);
  // From the cache: the repository is not needed any more.
  fs::remove_all(folder.path() / "debian");
  EXPECT_EQ(store.Fetch("debian:newest").directory, kernel.directory);
  EXPECT_EQ(store.List().size(), 1u);
}

TEST_F(AptTest, RefreshesForWhatItDoesNotKnow) {
  PrivateApt(folder.path() / "cache/apt", etc).Find("newest");
  Publish("6.1.8-1");
  EXPECT_EQ(store.Fetch("debian:6.1.8-1").source,
            std::string("debian:") + kPackage + " 6.1.8-1");
}

TEST_F(AptTest, SaysWhatThereIs) {
  EXPECT_THAT(MessageOf<UserError>([&] { store.Fetch("debian:4.19"); }),
              AllOf(HasSubstr("4.19"), HasSubstr("there are 6.1")));
}

TEST_F(AptTest, GivesAptsOwnReason) {
  fs::remove_all(folder.path() / "debian");
  EXPECT_THAT(MessageOf<UserError>([&] { store.Fetch("debian:6.1"); }),
              AllOf(HasSubstr("debian:6.1"), HasSubstr(": E: "),
                    HasSubstr("oomgate kernel add")));
}

TEST_F(AptTest, FailedDownloadIsNoKernel) {
  PrivateApt(folder.path() / "cache/apt", etc).Find("newest");
  fs::remove_all(folder.path() / "debian/pool");
  EXPECT_THAT(MessageOf<UserError>([&] { store.Fetch("debian:6.1"); }),
              AllOf(HasSubstr("cannot download"), HasSubstr("E: ")));
  EXPECT_TRUE(store.List().empty());
}

TEST_F(AptTest, WithoutADebianMirrorSaysWhatToDo) {
  folder.Write("etc/sources.list",
               "deb http://mirror.example/ubuntu noble main\n");
  EXPECT_THAT(
      MessageOf<UserError>([&] { store.Fetch("debian:6.1"); }),
      AllOf(HasSubstr("no Debian mirror"), HasSubstr("oomgate kernel add")));
  EXPECT_THAT(MessageOf<UserError>([&] { store.Fetch("ubuntu:24.04"); }),
              HasSubstr("only debian:"));
}

TEST_F(AptTest, TwoAtOnceGetTheSame) {
  Kernel kernels[2];
  {
    std::jthread one([&] { kernels[0] = store.Fetch("debian:6.1"); });
    std::jthread two([&] { kernels[1] = store.Fetch("debian:6.1"); });
  }
  EXPECT_EQ(kernels[0].directory, kernels[1].directory);
  EXPECT_EQ(store.List().size(), 1u);
}

}  // namespace
}  // namespace oomgate
