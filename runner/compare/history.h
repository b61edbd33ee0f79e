// SPDX-License-Identifier: Apache-2.0
// The values of each metric over many runs, in the order in which they started.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "oomgate/model/metric.h"
#include "oomgate/model/run.h"

namespace oomgate {

// What may be laid side by side: one metric of one instance in one shape.
struct Series {
  std::string id;  // of the case
  Params params = {};
  std::string shape = {};
  std::string kernel = {};   // "6.12"; "" where series take in every kernel
  std::string machine = {};  // of times: accelerator and CPU, "tcg, EPYC"
  Metric metric = {};
  std::vector<std::uint32_t> runs =
      {};  // of each value: index into History::runs
  std::vector<double> values = {};
};

struct HistoryRun {
  std::string started;
  std::string file;
};

struct History {
  std::vector<HistoryRun> runs;
  std::vector<Series> series;  // sorted by what they are of
};

class HistoryBuilder {
 public:
  // `across_kernels`: a series goes on where the kernel becomes another one.
  explicit HistoryBuilder(bool across_kernels) : across_(across_kernels) {}

  // Values of results that passed, or failed as known. Keeps no more of `run`.
  void Add(const Run& run, std::string file);

  History Finish() &&;

 private:
  const bool across_;
  History history_;
  std::unordered_map<std::string, std::uint32_t> index_;  // into series
};

// "6.12.117-cloud-amd64" -> "6.12".
std::string KernelSeries(const std::string& release);

}  // namespace oomgate
