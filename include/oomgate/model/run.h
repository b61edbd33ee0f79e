// SPDX-License-Identifier: Apache-2.0
// A run: every result, and what is needed to say what it may be compared with.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oomgate/model/metric.h"
#include "oomgate/model/result.h"

namespace oomgate {

// What is written. Schema 1 had no checks, no findings and no left-out steps;
// it can still be read.
inline constexpr int kSchema = 2;
inline constexpr int kOldestSchema = 1;
constexpr bool IsReadable(int schema) {
  return kOldestSchema <= schema && schema <= kSchema;
}

// What a place was when it started, as the judge's side saw it.
struct Start {
  std::string place = {};
  std::string shape = {};
  std::string kernel = {};   // uname -r
  std::string version = {};  // uname -v
  // Only the outside knows these of a guest; "" elsewhere, and in files that
  // were written before they were recorded.
  std::string accelerator = {};    // "tcg", "kvm"
  std::string qemu = {};           // its version
  std::string kernel_digest = {};  // of the kernel's image
  std::string config_digest = {};  // of the options that matter to guests
  std::string cpu = {};            // model name
  std::string command_line = {};   // the kernel's
  std::string taint = {};          // /proc/sys/kernel/tainted at the start
  double boot_seconds = 0;         // from power on to this record; guests only
  double mem_total = 0;            // bytes
  double swap_total = 0;
  int cpus = 0;
  int nodes = 0;
  std::map<std::string, std::string> settings = {};  // path -> value in force
  bool operator==(const Start&) const = default;
};

// Starts of the same kind of place need to be told once.
inline bool SameKindOfPlace(const Start& a, const Start& b) {
  return a.place == b.place && a.shape == b.shape && a.kernel == b.kernel &&
         a.accelerator == b.accelerator && a.settings == b.settings &&
         a.taint == b.taint;
}

// The part of a larger run that a run is.
struct Shard {
  int index = 1;  // from 1
  int count = 1;
  std::string plan = {};            // the same in all shards of one run only
  std::vector<int> positions = {};  // of its instances among all, from 0
  bool operator==(const Shard&) const = default;
};

struct Run {
  int schema = kSchema;
  std::string oomgate;   // program version
  std::string started;   // UTC, "2026-01-31T12:00:00Z"
  std::string finished;  // "" while the run goes on, or was cut off
  std::string command;   // as typed
  bool interrupted = false;
  // Not as cases are meant: good for no baseline.
  bool invert = false;       // the oracles' negation was expected
  std::string without = {};  // the step whose act was left out
  std::optional<Shard> shard = {};
  std::vector<Start> starts;                           // one per kind of place
  std::map<std::string, std::vector<Metric>> metrics;  // case id -> declared
  std::vector<Result> results;                         // in order of the plan
  bool operator==(const Run&) const = default;
};

}  // namespace oomgate
