// SPDX-License-Identifier: Apache-2.0
#include "runner/record/run_folder.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "oomgate/model/json.h"
#include "runner/error.h"
#include "runner/process.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string Content(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A run with everything that a run can hold.
auto FullRun() {
  oomgate::Run run;
  run.oomgate = "1.0";
  run.started = UtcNow();
  run.finished = UtcNow();
  run.command = "oomgate run 'a/*'";
  run.shard = Shard{2, 4, "c0ffee", {1, 5}};
  run.invert = true;
  run.without = "lock";
  run.starts.push_back(
      {.place = "vm",
       .shape = "vm-256m-1cpu-2node-1mswap-4mdisk-cgroup1-instructions",
       .kernel = "6.1",
       .version = "#1",
       .accelerator = "tcg",
       .qemu = "7.2.22",
       .cpu = "c",
       .command_line = "quiet",
       .taint = "0",
       .mem_total = 1e9,
       .swap_total = 0,
       .cpus = 1,
       .nodes = 2,
       .settings = {{"/proc/a", "1"}}});
  run.metrics["a/one"] = {{.name = "rss",
                           .better = Better::kLower,
                           .unit = "bytes",
                           .kind = Kind::kBounded,
                           .tolerance = 4096,
                           .cause = "per-CPU charges"}};
  Result pass;
  pass.id = "a/one";
  pass.params = Params(Params::Map{{"x", "1"}});
  pass.verdict = Verdict::kPass;
  pass.place = "cgroup";
  pass.shape = "cgroup2-64m";
  pass.metrics = {{"rss", 4096}};
  run.results.push_back(pass);
  Result fail = pass;
  fail.verdict = Verdict::kFail;
  fail.reason = "bytes \xff that are not UTF-8";
  fail.console = "log";
  fail.oom = OomReport{};
  fail.checks = {{"lock twice", "grown", "8 MiB", "4 MiB"}};
  fail.also = {{kLeftBehind, "Shmem +4096 kB"}};
  fail.left_out = {{"lock on fault", "needs kernel 4.4"}};
  run.results.push_back(fail);
  Result skip;
  skip.id = "a/two";
  skip.verdict = Verdict::kSkip;
  run.results.push_back(skip);
  return run;
}

struct RunFolderTest : testing::Test {
  fs::path root =
      fs::path(testing::TempDir()) / ("runs." + std::to_string(::getpid()));
  ~RunFolderTest() override { fs::remove_all(root); }
};

TEST_F(RunFolderTest, EachRunHasItsOwn) {
  const RunFolder one(root / "a");
  const RunFolder two(root / "a");
  EXPECT_NE(one.path(), two.path());
  EXPECT_EQ(one.path().parent_path(), root / "a");
}

TEST_F(RunFolderTest, RecordsStandAsReceived) {
  RunFolder folder(root);
  folder.Append("{\"a\":1}");
  folder.Append("{}");
  EXPECT_EQ(Content(folder.path() / "records.jsonl"), "{\"a\":1}\n{}\n");
}

TEST_F(RunFolderTest, ScratchIsRemovedAlsoAfterAKill) {
  fs::path scratch;
  {
    RunFolder folder(root);
    scratch = folder.Scratch(false);
    std::ofstream(scratch / "initramfs") << "x";
    RemoveLeftoverScratch(root);  // of a run that goes on: stays
    EXPECT_TRUE(fs::exists(scratch / "initramfs"));
    EXPECT_TRUE(fs::exists(folder.Scratch(true)));
  }
  EXPECT_FALSE(fs::exists(scratch));
  EXPECT_TRUE(fs::exists(scratch.parent_path() / "kept"));
  fs::create_directory(scratch);  // as a killed run leaves it
  RemoveLeftoverScratch(root);
  EXPECT_FALSE(fs::exists(scratch));
  RemoveLeftoverScratch(root / "nowhere");
}

TEST_F(RunFolderTest, WhatIsSavedCanBeReadAgain) {
  RunFolder folder(root);
  auto run = FullRun();
  run.results[1].reason = "ASCII";
  folder.Save(run);
  EXPECT_EQ(Json::parse(Content(folder.run_json())).get<oomgate::Run>(), run);
  EXPECT_FALSE(fs::exists(folder.path() / "run.json.new"));
}

TEST_F(RunFolderTest, AFullDiskLeavesTheLastGoodRun) {
  RunFolder folder(root);
  auto run = FullRun();
  folder.Save(run);
  const std::string before = Content(folder.run_json());
  // As a full disk does, a limit lets a write succeed in part, then fail.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  rlimit tight = old;
  tight.rlim_cur = before.size() / 2;
  ::setrlimit(RLIMIT_FSIZE, &tight);
  run.results.push_back(run.results[0]);
  std::string error = "none";
  try {
    folder.Save(run);
  } catch (const UserError& e) {
    error = e.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, SIG_DFL);
  EXPECT_THAT(error, HasSubstr("cannot write"));
  EXPECT_EQ(Content(folder.run_json()), before);
  EXPECT_FALSE(fs::exists(folder.path() / "run.json.new"));
}

TEST_F(RunFolderTest, UnwritablePlacesAreNamedBeforeAnythingRuns) {
  fs::create_directories(root);
  std::ofstream(root / "file") << "x";
  try {
    const RunFolder folder(root / "file");
    FAIL() << "made a folder in a file";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--results"));
    EXPECT_THAT(error.what(), HasSubstr((root / "file").string()));
  }
  EXPECT_THROW(RunFolder(root / "file" / "below"), UserError);
}

TEST_F(RunFolderTest, RunJsonFollowsTheSchema) {
  constexpr const char* kPython = "/usr/bin/python3";
  if (!fs::exists(kPython) ||
      !RunToEnd({.argv = {kPython, "-c", "import jsonschema"}},
                std::chrono::seconds(20))
           .ok()) {
    GTEST_SKIP() << kPython << " has no jsonschema (python3-jsonschema)";
  }
  RunFolder folder(root);
  constexpr const char* kValidate =
      "import json, sys, jsonschema\n"
      "schema, run = (json.load(open(f)) for f in sys.argv[1:])\n"
      "jsonschema.Draft7Validator.check_schema(schema)\n"
      "jsonschema.Draft7Validator(schema).validate(run)\n";
  const auto validate = [&](const fs::path& file) {
    return RunToEnd(
        {.argv = {kPython, "-c", kValidate,
                  OOMGATE_SOURCE_DIR "/results/schema.json", file.string()}},
        std::chrono::seconds(20));
  };
  folder.Save(FullRun());
  const Finished good = validate(folder.run_json());
  EXPECT_TRUE(good.ok()) << good.err;

  // Also what an older oomgate wrote.
  oomgate::Run old = FullRun();
  old.schema = 1;
  old.invert = false;
  old.without = "";
  for (Result& result : old.results) {
    result.checks.clear();
    result.also.clear();
    result.left_out.clear();
  }
  folder.Save(old);
  const Finished older = validate(folder.run_json());
  EXPECT_TRUE(older.ok()) << older.err;
  Json claimed = Json(FullRun());
  claimed["schema"] = 1;
  std::ofstream(root / "wrong.json")
      << claimed.dump(-1, ' ', false, Json::error_handler_t::replace);
  EXPECT_FALSE(validate(root / "wrong.json").ok());
  folder.Save(FullRun());

  // The schema can say no.
  Json wrong = Json::parse(Content(folder.run_json()));
  wrong["results"][0]["verdict"] = "fine";
  std::ofstream(root / "wrong.json") << wrong.dump();
  EXPECT_THAT(validate(root / "wrong.json").err, HasSubstr("'fine'"));
  wrong = Json::parse(Content(folder.run_json()));
  wrong["surprise"] = 1;
  std::ofstream(root / "wrong.json") << wrong.dump();
  EXPECT_FALSE(validate(root / "wrong.json").ok());
}

}  // namespace
}  // namespace oomgate
