// SPDX-License-Identifier: Apache-2.0
// The functions of guests' kernels, by their own /proc/kallsyms: of each kind
// of guest one is asked, once in a run.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "runner/profile/symbols.h"
#include "runner/vm/guest.h"

namespace oomgate {

class GuestSymbols {
 public:
  using OnLine = std::function<void(std::string_view)>;

  // `key` says which kind; `ask` runs one that sends them. Throws UserError
  // where its kernel has none, HarnessError where it does not come to its end.
  const Symbols& For(const std::string& key,
                     const std::function<GuestEnd(const OnLine&)>& ask);

 private:
  std::mutex mutex_;
  std::map<std::string, Symbols> known_;
};

}  // namespace oomgate
