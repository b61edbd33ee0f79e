// SPDX-License-Identifier: Apache-2.0
// Tests of what runs in a memory cgroup: they get one as a cgroup case gets it,
// and are skipped where there is none to be had.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "cases/kit/facts.h"
#include "oomgate/process.h"
#include "oomgate/trace.h"
#include "runner/launch/box.h"

namespace oomgate {

class InBoxTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto controller = FindMemoryController();
    if (!controller) GTEST_SKIP() << "no memory cgroup controller is mounted";
    std::string why;
    box_.emplace(*controller, 64_MiB, std::vector<Setting>{}, why);
    if (!why.empty()) GTEST_SKIP() << why;
    facts_ = CollectFacts(BoxView("cgroup:" + box_->folder()));
  }
  ~InBoxTest() override { Trace::Release(trace_); }

  // Runs `body` in a child inside the box, as a subject: its wait(2) status.
  // What it found out it leaves in the trace.
  template <typename Body>
  int InBox(Body body) {
    return RunChild(*trace_, [&] {
      if (!BoxView("cgroup:" + box_->folder()).Enter()) {
        trace_->Stop("entering the box", errno);
      }
      body();
    });
  }
  const Facts& facts() const { return facts_; }
  Trace& trace() { return *trace_; }
  std::int64_t Value(const std::string& name) const {
    const auto values = trace_->Values();
    const auto at = values.find(name);
    return at == values.end() ? INT64_MIN : at->second;
  }
  // The file of a group by its name in either version.
  const char* OfVersion(const char* one, const char* two) const {
    return facts_.cgroup == 1 ? one : two;
  }

 private:
  std::optional<Box> box_;
  Facts facts_;
  Trace* trace_ = Trace::Share();
};

}  // namespace oomgate
