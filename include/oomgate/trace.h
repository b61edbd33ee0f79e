// SPDX-License-Identifier: Apache-2.0
// What a subject leaves behind: named numbers on a page that it shares with the
// judge. They survive the subject's death at any instruction.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "oomgate/model/units.h"

namespace oomgate {

class Trace {
 public:
  // Shared with every process forked later. Throws std::bad_alloc.
  static Trace* Share();
  static void Release(Trace* trace);

  // For subjects: no allocation, no lock, one writer per name. Names are at
  // most 51 characters, at most kSlots of them; more is a mistake of the case
  // and ends it as `broken`. What a step sets carries that step's name.
  void Set(const char* name, std::int64_t value);
  void Set(const char* name, Bytes value) { Set(name, value.count); }
  void Add(const char* name, std::int64_t delta);
  // The number itself, for loops that count every step.
  std::atomic<std::int64_t>& Counter(const char* name);

  // For the kit: faults the trace in, before anything is counted; marks which
  // step of the case runs from now on.
  void MakePresent();
  void BeginStep(int step) { step_ = step; }

  // Ends the calling process: `what` failed and the case cannot go on. The
  // instance fails with "stopped: <what>: <error>".
  [[noreturn]] void Stop(const char* what, int error);

  // For the judge. A value that a step set is called "<step>.<name>", by the
  // names of the steps.
  std::map<std::string, std::int64_t> Values(
      const std::vector<std::string>& steps = {}) const;
  // The step that runs, or ran last; kNoStep before the first.
  int step() const { return step_.load(); }
  static constexpr int kNoStep = -1;
  bool overflowed() const { return overflowed_.load(); }
  // "mmap: Cannot allocate memory"; "" where nothing stopped.
  std::string Stopped() const;

 private:
  struct Slot {
    char name[52];
    int step;
    std::atomic<std::int64_t> value;
  };
  // Fills whole pages, six of them.
  static constexpr int kSlots = 382;

  std::atomic<int> used_;
  std::atomic<int> step_;
  std::atomic<bool> overflowed_;
  std::atomic<int> stop_error_;
  char stop_what_[64];
  Slot slots_[kSlots];
};

}  // namespace oomgate
