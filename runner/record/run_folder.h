// SPDX-License-Identifier: Apache-2.0
// The folder of one run: what finished before a crash is never lost.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "oomgate/model/profile.h"
#include "oomgate/model/run.h"

namespace oomgate {

// Replaces folder/run.json as a whole: a reader, or a crash, sees the old one
// or the new one. Throws UserError on a full disk; the old one is then intact.
void SaveRun(const std::filesystem::path& folder, const Run& run);

class RunFolder {
 public:
  // Makes <results>/<UTC time>[-n]. Throws UserError where that cannot be
  // written to, before anything has run.
  explicit RunFolder(const std::filesystem::path& results);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path run_json() const { return path_ / "run.json"; }

  // A folder, made on request, for what guests are started from: removed at
  // the end, or, with `keep`, kept.
  std::filesystem::path Scratch(bool keep);

  // One line more in records.jsonl. Throws UserError on a full disk.
  void Append(std::string_view record);

  // One line more in functions.jsonl, which is made with the first.
  void Append(const Profile& profile);

  void Save(const Run& run) { SaveRun(path_, run); }

 private:
  std::filesystem::path path_;
  int records_ = -1;
};

// Removes the scratch folders of runs in `results` that were killed.
void RemoveLeftoverScratch(const std::filesystem::path& results);

// run.json's text: sorted keys, two spaces, valid UTF-8 whatever was in it.
std::string ToJsonText(const Run& run);

// Now, as "2026-01-31T12:00:00Z".
std::string UtcNow();

}  // namespace oomgate
