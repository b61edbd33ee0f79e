// SPDX-License-Identifier: Apache-2.0
// By files of a folder of our own, which are read and written as the kernel's.
#include "oomgate/kernel_folder.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "oomgate/knobs.h"
#include "oomgate/process.h"

namespace oomgate {
namespace {

class KernelFolderTest : public testing::Test {
 protected:
  KernelFolderTest() { std::filesystem::create_directories(path_ + "/below"); }
  ~KernelFolderTest() override {
    std::filesystem::remove_all(path_);
    Trace::Release(trace_);
  }
  void Put(const std::string& file, const std::string& text) const {
    std::ofstream(path_ + "/" + file) << text;
  }
  std::string Text(const std::string& file) const {
    std::ostringstream text;
    text << std::ifstream(path_ + "/" + file).rdbuf();
    return text.str();
  }

  const std::string path_ =
      testing::TempDir() + "oomgate-folder-" + std::to_string(getpid());
  const KernelFolder folder_{path_};
  Trace* trace_ = Trace::Share();
};

TEST_F(KernelFolderTest, AFileIsReadByItsNumberOrByAKey) {
  Put("scans", "17\n");
  Put("below/stat", "file 4096\nfile_dirty 12\n");
  EXPECT_TRUE(folder_.Has("scans"));
  EXPECT_FALSE(folder_.Has("scan"));
  EXPECT_EQ(folder_.Number("scans"), 17);
  EXPECT_EQ(folder_.Number("scan"), -1);
  EXPECT_EQ(folder_.Field("below/stat", "file_dirty"), 12);
  EXPECT_EQ(folder_.Field("below/stat", "file_mapped"), -1);
  EXPECT_EQ(folder_.PathOf("below/stat").text, path_ + "/below/stat");
}

TEST_F(KernelFolderTest, ANumberASizeAndATextAreWritten) {
  for (const char* file : {"word", "size", "number", "zero", "large"}) {
    Put(file, "");
  }
  EXPECT_EQ(folder_.Write("word", "madvise"), 0);
  EXPECT_EQ(folder_.Write("size", 64_MiB), 0);
  EXPECT_EQ(folder_.Write("number", -5), 0);
  EXPECT_EQ(folder_.Write("zero", 0), 0);
  folder_.Set(*trace_, "large", std::int64_t{1} << 40);
  EXPECT_EQ(Text("word"), "madvise");
  EXPECT_EQ(Text("size"), "67108864");
  EXPECT_EQ(Text("number"), "-5");
  EXPECT_EQ(Text("zero"), "0");
  EXPECT_EQ(Text("large"), "1099511627776");
}

TEST_F(KernelFolderTest, WhatIsNotThereIsNotMade) {
  EXPECT_EQ(folder_.Write("absent", "1"), ENOENT);
  EXPECT_FALSE(folder_.Has("absent"));
}

TEST_F(KernelFolderTest, WhatMustBeWrittenAndIsNotEndsTheSubject) {
  EXPECT_NE(RunChild(*trace_, [&] { folder_.Set(*trace_, "absent", 1); }), 0);
  EXPECT_EQ(trace_->Stopped(), "absent: No such file or directory");
}

TEST_F(KernelFolderTest, ANeedHasTheWholePath) {
  EXPECT_EQ(kThpKnobs.With("khugepaged/max_ptes_none", "511"),
            (Setting{"/sys/kernel/mm/transparent_hugepage/khugepaged/"
                     "max_ptes_none",
                     "511"}));
}

TEST_F(KernelFolderTest, NamedFoldersAreThoseOfTheKernel) {
  EXPECT_GE(kVmKnobs.Number("overcommit_memory"), 0);
  if (!kThpKnobs.Has("enabled")) GTEST_SKIP() << "this kernel has no THP";
  EXPECT_GT(kKhugepagedKnobs.Number("pages_to_scan"), 0);
  if (!kKsmKnobs.Has("run")) GTEST_SKIP() << "this kernel has no KSM";
  EXPECT_GE(kKsmKnobs.Number("full_scans"), 0);
}

TEST_F(KernelFolderTest, ScansAreAwaitedFromNowOn) {
  Put("full_scans", "5\n");
  EXPECT_FALSE(AwaitScans(folder_, 2, 20));
  Gate looks(*trace_);
  const pid_t scanner = StartChild(*trace_, [&] {
    looks.Pass();
    poll(nullptr, 0, 20);  // it may be asked already; no harm where it is not
    folder_.Write("full_scans", "6");
    poll(nullptr, 0, 20);
    folder_.Write("full_scans", "7");
  });
  looks.Open();
  EXPECT_TRUE(AwaitScans(folder_, 2, 5000));
  EXPECT_EQ(folder_.Number("full_scans"), 7);
  Reap(scanner);
}

TEST_F(KernelFolderTest, AKnobIsWrittenOrEndsTheSubject) {
  Put("knob", "");
  const std::string knob = path_ + "/knob";
  WriteKnob(*trace_, knob.c_str(), "on");
  EXPECT_EQ(Text("knob"), "on");
  EXPECT_NE(RunChild(*trace_, [&] { WriteKnob(*trace_, "/absent", "on"); }), 0);
  EXPECT_EQ(trace_->Stopped(), "/absent: No such file or directory");
}

}  // namespace
}  // namespace oomgate
