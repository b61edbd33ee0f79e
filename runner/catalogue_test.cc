// SPDX-License-Identifier: Apache-2.0
#include "runner/catalogue.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// What a program that prints `body` by shell says.
std::string FakeProgram(const std::string& body) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) /
      ("cases." + std::to_string(::getpid()) + ".sh");
  std::ofstream(file) << "#!/bin/sh\n" << body;
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  return file.string();
}

TEST(Catalogue, ReadsWhatTheProgramLists) {
  const Catalogue catalogue = LoadCatalogue(FakeProgram(R"sh(
test "$1" = --list || exit 2
cat <<'JSON'
[{"id":"a/one","summary":"s","blast":"machine","timeout_seconds":5,
  "metrics":[{"name":"rss","better":"lower"}],
  "instances":[{"params":{"x":"1"},"needs":{"memory":1048576}}]},
 {"id":"a/two"}]
JSON
)sh"));
  ASSERT_THAT(catalogue, SizeIs(2));
  EXPECT_EQ(catalogue[0].blast, Blast::kMachine);
  EXPECT_EQ(catalogue[0].instances[0].needs.memory, 1_MiB);
  EXPECT_EQ(catalogue[0].metrics[0].better, Better::kLower);
  EXPECT_THAT(catalogue[1].instances, SizeIs(1));
}

TEST(Catalogue, SaysWhatWentWrong) {
  const auto error_of = [](const std::string& body) -> std::string {
    try {
      LoadCatalogue(FakeProgram(body));
      return "none";
    } catch (const HarnessError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(error_of("echo no memory >&2; exit 1"), HasSubstr("no memory"));
  EXPECT_THAT(error_of("echo '[{'"), HasSubstr("not a list of cases"));
  EXPECT_THAT(error_of("echo '{\"a\":1}'"), HasSubstr("not a list of cases"));
  EXPECT_THAT(error_of("echo '[{\"id\":\"\"}]'"), HasSubstr("without id"));
  EXPECT_THAT(error_of("echo '[{\"id\":\"a\"},{\"id\":\"a\"}]'"),
              HasSubstr("two cases"));
}

}  // namespace
}  // namespace oomgate
