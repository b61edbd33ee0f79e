// SPDX-License-Identifier: Apache-2.0
// The machine's own apt, used in a private root: its mirror, keys and proxy,
// but neither its lists nor its package state, which are never touched.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/kernel/debian.h"

namespace oomgate {

class PrivateApt {
 public:
  // Keeps everything below `root`; reads the mirrors from `etc` (/etc/apt).
  // Waits for another process that is using the same root. Throws UserError
  // where this machine has no apt or no Debian mirror.
  PrivateApt(std::filesystem::path root, const std::filesystem::path& etc);
  ~PrivateApt();
  PrivateApt(const PrivateApt&) = delete;
  PrivateApt& operator=(const PrivateApt&) = delete;

  // The kernel that `wanted` means (see ChooseKernel). Refreshes the lists
  // where they are older than a day or do not have it; throws UserError where
  // there is no such kernel.
  DebianKernel Find(const std::string& wanted);

  // All of them, oldest first; refreshes lists that are older than a day.
  std::vector<DebianKernel> All();

  // Downloads all of its packages into `folder`.
  void Download(const DebianKernel& kernel,
                const std::filesystem::path& folder);

 private:
  bool ListsAreFresh() const;
  void Refresh();
  std::vector<DebianKernel> Kernels() const;
  std::string Packages() const;

  std::filesystem::path root_;
  int lock_ = -1;
  bool refreshed_ = false;
  std::string last_error_;  // of a refresh that did not get every list
};

}  // namespace oomgate
