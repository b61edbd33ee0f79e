// SPDX-License-Identifier: Apache-2.0
// A folder of small files of the kernel's, each with a number, a word or a few
// lines: knobs (knobs.h), or a cgroup (group.h). Nothing here allocates, but
// With.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "oomgate/model/needs.h"
#include "oomgate/model/units.h"
#include "oomgate/trace.h"

namespace oomgate {

class KernelFolder {
 public:
  // At most 191 characters, without a slash at the end. A `file` may be in a
  // folder below: "khugepaged/pages_to_scan".
  constexpr explicit KernelFolder(std::string_view path) {
    path.copy(folder_, sizeof folder_ - 1);
  }
  const char* folder() const { return folder_; }
  struct Path {
    char text[256];
  };
  Path PathOf(const char* file) const;

  bool Has(const char* file) const;
  // The number that a file begins with; the number after a key. What they give
  // where there is none says usage.h, NumberIn and FieldIn.
  std::int64_t Number(const char* file) const;
  std::int64_t Field(const char* file, const char* key) const;

  // Writes a file: 0, or the errno.
  int Write(const char* file, const char* value) const;
  int Write(const char* file, Bytes value) const;
  int Write(const char* file, std::integral auto value) const {
    return Write(file, Bytes{static_cast<std::int64_t>(value)});
  }
  // The same, where it must succeed.
  template <typename Value>
  void Set(Trace& trace, const char* file, Value value) const {
    const int error = Write(file, value);
    if (error != 0) trace.Stop(file, error);
  }

  // For the needs of a case: that the file holds this from the start.
  Setting With(const char* file, std::string_view value) const;

 private:
  char folder_[192] = {};
};

}  // namespace oomgate
