// SPDX-License-Identifier: Apache-2.0
// Which saved guest to restore from, during one run: each is looked for, or
// made, once, by whoever needs it first; the others wait for it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runner/vm/template_store.h"

namespace oomgate {

class SavedGuests {
  struct Entry;

 public:
  class Lease {
   public:
    // Empty: there is none to restore from.
    std::filesystem::path folder() const;
    // It did not come on. The second time it is given up, and made anew in the
    // next run.
    void Distrust();

   private:
    friend class SavedGuests;
    std::shared_ptr<Entry> entry_;
  };

  using Fill = std::function<void(const std::filesystem::path&)>;

  // `fill` makes it where the cache has none; `failed` is told, once, why there
  // is none after that.
  Lease For(const std::string& key, const Fill& fill,
            const std::function<void(const std::string&)>& failed);

 private:
  struct Entry {
    std::mutex mutex;
    bool tried = false;
    int failures = 0;
    std::optional<Template> saved;
    std::string key;
  };

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace oomgate
