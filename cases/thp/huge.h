// SPDX-License-Identifier: Apache-2.0
// What cases about transparent huge pages share: a machine that gives them on
// advice only, and the kernel's count of what became of them.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "oomgate/case.h"

namespace oomgate {

inline constexpr const char* kThp = "/sys/kernel/mm/transparent_hugepage/";

// Huge pages where they are asked for, and a khugepaged that changes nothing:
// it may collapse only what is small and complete.
inline std::vector<Setting> HugeOnAdvice() {
  const std::string thp = kThp;
  return {{thp + "defrag", "madvise"},
          {thp + "enabled", "madvise"},
          {thp + "khugepaged/max_ptes_none", "0"},
          {thp + "khugepaged/scan_sleep_millisecs", "600000"},
          {thp + "use_zero_page", "1"}};
}

// A guest that has them: with less RAM there may be none to be had.
inline Needs HugeGuest() {
  return {.memory = 512_MiB, .alone = true, .settings = HugeOnAdvice()};
}

// Asked for huge pages, and at the start of a page directory of its own.
inline Range MapHuge(Trace& trace, Bytes size) {
  MapOptions options;
  options.align = 1_GiB;
  options.pages = MapOptions::kHuge;
  return MapAnonymous(trace, size, options);
}

// Events of the whole machine, from the constructor on.
class HugeEvents {
 public:
  HugeEvents() { Read(before_); }
  // Leaves how often each happened as "<phase>.<event>", and begins anew.
  void Leave(Trace& trace, const char* phase) {
    std::int64_t now[kEvents];
    Read(now);
    for (int i = 0; i < kEvents; ++i) {
      char name[48];
      std::snprintf(name, sizeof name, "%s.%s", phase, kNames[i]);
      trace.Set(name, now[i] - before_[i]);
    }
    Read(before_);
  }

  static constexpr int kEvents = 6;
  static constexpr const char* kNames[kEvents] = {
      "thp_fault_alloc", "thp_fault_fallback", "thp_zero_page_alloc",
      "thp_split_pmd",   "thp_split_page",     "thp_deferred_split_page"};

 private:
  static void Read(std::int64_t (&values)[kEvents]) {
    for (int i = 0; i < kEvents; ++i) values[i] = Vmstat(kNames[i]);
  }
  std::int64_t before_[kEvents];
};

// What is expected to have happened in a phase: nothing else than this.
struct Happened {
  std::int64_t alloc = 0;
  std::int64_t fallback = 0;
  std::int64_t zero = 0;
  std::int64_t split_pmd = 0;
  std::int64_t split_page = 0;
  std::int64_t deferred = 0;

  Oracle In(const std::string& phase) const {
    const auto event = [&](int i, std::int64_t times) {
      return Count(phase + "." + HugeEvents::kNames[i], Eq(times));
    };
    return AllOf(event(0, alloc), event(1, fallback), event(2, zero),
                 event(3, split_pmd), event(4, split_page), event(5, deferred));
  }
};

}  // namespace oomgate
