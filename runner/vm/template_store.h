// SPDX-License-Identifier: Apache-2.0
// The cache of saved guests: CacheFolder()/templates/<digest of the key>/, with
// RAM and device state as QEMU left them, and a seal that tells their bytes.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "oomgate/model/units.h"

namespace oomgate {

// A saved guest that may be restored as long as this object lives.
class Template {
 public:
  Template(std::filesystem::path folder, int lock)
      : folder_(std::move(folder)), lock_(lock) {}
  ~Template();
  Template(Template&& other) noexcept;
  Template& operator=(Template&&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  int lock_;  // shared: nobody removes what is in use
};

class TemplateStore {
 public:
  explicit TemplateStore(std::filesystem::path root = DefaultRoot(),
                         Bytes limit = 8_GiB);
  static std::filesystem::path DefaultRoot();

  // The one that was made from just that key. Reads all of it: one whose bytes
  // are not those that were sealed is removed, and counts as none.
  std::optional<Template> Find(const std::string& key);
  // Has `fill` put the files into a folder, seals them, and keeps them under
  // the key. What `fill` throws comes out, and nothing stays. Throws UserError
  // where the folder cannot be written.
  Template Add(const std::string& key,
               const std::function<void(const std::filesystem::path&)>& fill);
  // Nobody finds it any more, not even while it is in use.
  void Condemn(const std::string& key);

  // On disk, of all.
  Bytes Size() const;
  int Count() const;
  // Removes all that nobody uses.
  void Clean();

 private:
  std::filesystem::path FolderOf(const std::string& key) const;
  // Until they fit: the least recently used go first.
  void MakeRoom();
  void RemoveLeftovers() const;

  std::filesystem::path root_;
  Bytes limit_;
};

}  // namespace oomgate
