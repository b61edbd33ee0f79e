// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/fingerprint.h"

#include <gmock/gmock.h>

#include "runner/compare/test_runs.h"

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

auto Of(const oomgate::Run& run) {
  Fingerprint fingerprint;
  fingerprint.Add(run);
  return fingerprint;
}

// What differs between a run and the same with `edit` done to its start.
std::vector<std::string> After(void (*edit)(Start&),
                               const std::string& place = "vm",
                               const std::string& shape = "vm-256m-1cpu") {
  oomgate::Run base = TestRun();
  base.starts[0].place = place;
  base.starts[0].shape = shape;
  oomgate::Run candidate = base;
  edit(candidate.starts[0]);
  std::vector<std::string> found;
  for (const Difference& d : DifferencesOf(Of(base), Of(candidate))) {
    found.push_back(std::string(ToText(d.matter)) + " " + d.what);
  }
  return found;
}

TEST(Fingerprint, TheSamePlaceDoesNotDiffer) {
  EXPECT_THAT(After([](Start&) {}), IsEmpty());
  EXPECT_THAT(After([](Start& s) { s.boot_seconds = 3; }), IsEmpty());
}

TEST(Fingerprint, EachPropertyHasItsMatter) {
  EXPECT_THAT(After([](Start& s) { s.kernel = "6.12"; }),
              ElementsAre("kernel kernel"));
  EXPECT_THAT(After([](Start& s) { s.kernel_digest = "other"; }),
              ElementsAre("kernel kernel image"));
  EXPECT_THAT(After([](Start& s) { s.cpu = "other"; }),
              ElementsAre("place cpu"));
  EXPECT_THAT(After([](Start& s) { s.accelerator = "kvm"; }),
              ElementsAre("place accelerator"));
  EXPECT_THAT(After([](Start& s) { s.settings.begin()->second = "2"; }),
              ElementsAre("place /proc/sys/vm/overcommit_memory"));
  EXPECT_THAT(After([](Start& s) { s.qemu = "8.2.2"; }),
              ElementsAre("programs qemu"));
  EXPECT_THAT(After([](Start& s) { s.qemu = "7.2.23"; }),
              ElementsAre("note qemu"));
  EXPECT_THAT(After([](Start& s) { s.qemu = ""; }), ElementsAre("note qemu"));
  EXPECT_THAT(After([](Start& s) { s.shape = "vm-512m-1cpu"; }),
              ElementsAre("place shape"));
}

TEST(Fingerprint, WithAnotherKernelAGuestHasItsSettings) {
  const auto edit = [](Start& s) {
    s.kernel = "6.12";
    s.settings.begin()->second = "2";
    s.mem_total = 64e9;
  };
  EXPECT_THAT(After(edit), ElementsAre("kernel /proc/sys/vm/overcommit_memory",
                                       "kernel kernel", "kernel memory"));
  // A machine has those that its owner gave it.
  EXPECT_THAT(After(edit, "host", "host"),
              ElementsAre("place /proc/sys/vm/overcommit_memory",
                          "place memory", "kernel kernel"));
}

TEST(Fingerprint, WhatTheKernelTakesFromFreeMemoryIsANote) {
  for (const char* shape : {"host", "vm-256m-1cpu"}) {
    oomgate::Run base = TestRun();
    base.starts[0].shape = shape;
    base.starts[0].settings = {{"/proc/sys/vm/min_free_kbytes", "6"}};
    oomgate::Run candidate = base;
    candidate.starts[0].settings.begin()->second = "7";
    EXPECT_EQ(DifferencesOf(Of(base), Of(candidate)).at(0).matter,
              Matter::kNote);
  }
}

TEST(Fingerprint, ForAReaderWhatFollowsIsOneLine) {
  oomgate::Run base = TestRun("6.1.1");
  oomgate::Run candidate = TestRun("6.12.1");
  candidate.starts[0].mem_total = 64e9;
  base.starts[0].qemu = "";
  EXPECT_THAT(
      LinesOf(DifferencesOf(Of(base), Of(candidate))),
      ElementsAre("kernel: 6.1.1 | 6.12.1 (vm-256m-1cpu)",
                  "and with the kernel: kernel build, kernel image, memory",
                  "known of one side only: qemu"));
}

TEST(Fingerprint, WhatWasSelectedIsNoDifference) {
  oomgate::Run base = TestRun();
  base.starts.push_back(base.starts[0]);
  base.starts[1].settings.begin()->second = "2";
  const oomgate::Run candidate = TestRun();
  EXPECT_THAT(DifferencesOf(Of(base), Of(candidate)), IsEmpty());
  EXPECT_THAT(DifferencesOf(Of(candidate), Of(base)), IsEmpty());
}

TEST(Fingerprint, EqualDifferencesOfShapesAreOne) {
  oomgate::Run base = TestRun();
  base.starts.push_back(base.starts[0]);
  base.starts[1].shape = "vm-1g-1cpu";
  oomgate::Run candidate = base;
  for (Start& start : candidate.starts) start.cpu = "other";
  EXPECT_THAT(DifferencesOf(Of(base), Of(candidate)),
              ElementsAre(Difference{Matter::kPlace,
                                     "cpu",
                                     "QEMU TCG CPU",
                                     "other",
                                     {"vm-1g-1cpu", "vm-256m-1cpu"}}));
}

TEST(Fingerprint, AcrossAllowsItsMatter) {
  const std::vector<Difference> differences = {{Matter::kPlace, "cpu", "", ""},
                                               {Matter::kKernel, "k", "", ""},
                                               {Matter::kNote, "n", "", ""}};
  EXPECT_THAT(RefusedDifferences(differences, {}),
              ElementsAre(differences[0], differences[1]));
  EXPECT_THAT(RefusedDifferences(differences, {Matter::kKernel}),
              ElementsAre(differences[0]));
  EXPECT_THAT(
      RefusedDifferences(differences, {Matter::kKernel, Matter::kPlace}),
      IsEmpty());
}

}  // namespace
}  // namespace oomgate
