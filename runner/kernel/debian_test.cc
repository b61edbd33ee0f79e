// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/debian.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using testing::ElementsAre;

std::string Name(const Package& p) { return p.name + "=" + p.version; }

std::vector<DebianKernel> Kernels() {
  return KernelsAmong(
      {{"linux-image-6.1-cloud-amd64", "6.1.180-1~deb11u1"},
       {"linux-image-6.1.0-0.deb11.52-cloud-amd64", "6.1.180-1~deb11u1"},
       {"linux-image-6.1.0-9-cloud-amd64", "6.1.100-1"},
       {"linux-image-6.1.0-52-cloud-amd64", "6.1.180-1"},
       {"linux-image-6.12.117+deb12-cloud-amd64", "6.12.117-1~deb12u1"},
       {"linux-image-6.12.90+deb13-cloud-amd64", "6.12.90-1"},
       {"linux-image-6.12.90+deb13.1-cloud-amd64", "6.12.90-2"},
       {"linux-image-6.12.117+deb13-cloud-amd64", "6.12.117-1"},
       {"linux-image-7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1"},
       {"linux-binary-7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1"},
       {"linux-binary-7.3.4+deb13-amd64", "7.3.4-1~bpo13+1"}},
      KernelCatalog());
}

std::string Chosen(const std::string& wanted) {
  const auto kernel = ChooseKernel(Kernels(), wanted, KernelCatalog());
  return kernel ? Name(kernel->image) : "";
}

TEST(KernelsAmong, LeavesOutMetapackagesAndOtherFlavours) {
  std::vector<std::string> releases;
  for (const DebianKernel& k : Kernels()) releases.push_back(k.release);
  EXPECT_THAT(
      releases,
      ElementsAre("6.1.0-0.deb11.52-cloud-amd64", "6.1.0-9-cloud-amd64",
                  "6.1.0-52-cloud-amd64", "6.12.90+deb13-cloud-amd64",
                  "6.12.90+deb13.1-cloud-amd64", "6.12.117+deb12-cloud-amd64",
                  "6.12.117+deb13-cloud-amd64", "7.3.4+deb13-cloud-amd64"));
}

TEST(KernelsAmong, KnowsWhichPackagesBelongTogether) {
  const std::vector<DebianKernel> kernels = Kernels();
  EXPECT_EQ(kernels.front().packages.size(), 1u);
  std::vector<std::string> packages;
  for (const Package& p : kernels.back().packages) packages.push_back(Name(p));
  EXPECT_THAT(
      packages,
      ElementsAre("linux-binary-7.3.4+deb13-cloud-amd64=7.3.4-1~bpo13+1",
                  "linux-modules-7.3.4+deb13-cloud-amd64=7.3.4-1~bpo13+1",
                  "linux-base-7.3.4+deb13-cloud-amd64=7.3.4-1~bpo13+1"));
}

TEST(InOrderOfVersions, LeavesOutRebuildsOfWhatIsThere) {
  std::vector<std::string> versions;
  for (const DebianKernel& k : InOrderOfVersions(Kernels())) {
    versions.push_back(k.image.version);
  }
  EXPECT_THAT(versions,
              ElementsAre("6.1.100-1", "6.1.180-1", "6.12.90-1", "6.12.90-2",
                          "6.12.117-1", "7.3.4-1~bpo13+1"));
}

TEST(ChooseKernel, TakesTheNewestOriginalOfASeries) {
  EXPECT_EQ(Chosen("6.1"), "linux-image-6.1.0-52-cloud-amd64=6.1.180-1");
  EXPECT_EQ(Chosen("6.12"),
            "linux-image-6.12.117+deb13-cloud-amd64=6.12.117-1");
}

TEST(ChooseKernel, TakesARebuildWhereThereIsNothingElse) {
  const std::string newest =
      "linux-binary-7.3.4+deb13-cloud-amd64=7.3.4-1~bpo13+1";
  EXPECT_EQ(Chosen("newest"), newest);
  EXPECT_EQ(Chosen("7.3"), newest);
  EXPECT_EQ(Chosen("7"), newest);
}

TEST(ChooseKernel, TakesExactReleasesAndVersions) {
  EXPECT_EQ(Chosen("6.1.0-9-cloud-amd64"),
            "linux-image-6.1.0-9-cloud-amd64=6.1.100-1");
  EXPECT_EQ(Chosen("6.1.0-9"), "linux-image-6.1.0-9-cloud-amd64=6.1.100-1");
  EXPECT_EQ(Chosen("6.12.90+deb13"),
            "linux-image-6.12.90+deb13-cloud-amd64=6.12.90-1");
  EXPECT_EQ(Chosen("6.12.90-2"),
            "linux-image-6.12.90+deb13.1-cloud-amd64=6.12.90-2");
  EXPECT_EQ(Chosen("6.1.0-0.deb11.52"),
            "linux-image-6.1.0-0.deb11.52-cloud-amd64=6.1.180-1~deb11u1");
  EXPECT_EQ(Chosen("6.1.100"), "linux-image-6.1.0-9-cloud-amd64=6.1.100-1");
  EXPECT_EQ(Chosen("4.19"), "");
}

TEST(ReadPackages, ReadsStanzas) {
  const auto packages = ReadPackages(
      "Package: a\nSource: s\nVersion: 1\nDescription: t\n Version: no\n\n"
      "Package: b\nVersion: 2\n");
  ASSERT_EQ(packages.size(), 2u);
  EXPECT_EQ(Name(packages[0]), "a=1");
  EXPECT_EQ(Name(packages[1]), "b=2");
}

TEST(KernelCatalog, DefaultIsAFetchableSeries) {
  EXPECT_TRUE(KernelCatalog().default_kernel.starts_with("debian:"));
  EXPECT_FALSE(KernelCatalog().packages.empty());
}

}  // namespace
}  // namespace oomgate
