// SPDX-License-Identifier: Apache-2.0
// A sink that remembers: the fake of tests that need to see what was told.
#pragma once

#include <string>
#include <vector>

#include "runner/backend.h"

namespace oomgate {

struct RecordingSink : Sink {
  void OnLine(std::string_view json) override { lines.emplace_back(json); }
  void OnStart(const Start& start) override { starts.push_back(start); }
  void OnBegin(const OrderGroup&, const InstanceName& name) override {
    begins.push_back(name);
  }
  void OnResult(const Result& result) override { results.push_back(result); }
  void OnNotice(const std::string& text) override { notices.push_back(text); }

  std::vector<std::string> lines;
  std::vector<Start> starts;
  std::vector<InstanceName> begins;
  std::vector<Result> results;
  std::vector<std::string> notices;
};

}  // namespace oomgate
