// SPDX-License-Identifier: Apache-2.0
// What a subject leaves behind: named numbers on a page that it shares with the
// judge. They survive the subject's death at any instruction.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "oomgate/model/units.h"

namespace oomgate {

class Trace {
 public:
  // Shared with every process forked later. Throws std::bad_alloc.
  static Trace* Share();
  static void Release(Trace* trace);

  // For subjects: no allocation, no lock, one writer per name. Names are at
  // most 47 characters, at most 128 of them; more is a mistake of the case and
  // ends it as `broken`.
  void Set(const char* name, std::int64_t value);
  void Set(const char* name, Bytes value) { Set(name, value.count); }
  void Add(const char* name, std::int64_t delta);
  // The number itself, for loops that count every step.
  std::atomic<std::int64_t>& Counter(const char* name);

  // Ends the calling process: `what` failed and the case cannot go on. The
  // instance fails with "stopped: <what>: <error>".
  [[noreturn]] void Stop(const char* what, int error);

  // For the judge.
  std::map<std::string, std::int64_t> Values() const;
  bool overflowed() const { return overflowed_.load(); }
  // "mmap: Cannot allocate memory"; "" where nothing stopped.
  std::string Stopped() const;

 private:
  struct Slot {
    char name[48];
    std::atomic<std::int64_t> value;
  };
  static constexpr int kSlots = 128;

  std::atomic<int> used_;
  std::atomic<bool> overflowed_;
  std::atomic<int> stop_error_;
  char stop_what_[64];
  Slot slots_[kSlots];
};

}  // namespace oomgate
