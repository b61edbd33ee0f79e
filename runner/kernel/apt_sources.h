// SPDX-License-Identifier: Apache-2.0
// Where this machine gets Debian packages from: read out of its own apt
// configuration, so that the mirror and keys which its owner trusts are used.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/kernel/catalog.h"

namespace oomgate {

struct Mirror {
  std::string repository;  // "debian" or "debian-security"
  std::string uri;
  std::string signed_by;  // a file, or a key with its line breaks; or ""
  bool trusted = false;   // "Trusted: yes": unsigned, and known to be
};

// Of the repositories that the catalog knows, the first entry each. `etc` is
// /etc/apt or a tree like it. Both formats: *.list lines, *.sources stanzas.
std::vector<Mirror> ReadMirrors(const std::filesystem::path& etc,
                                const Catalog& catalog);

// Our own *.sources file: every suite that has kernels, from these mirrors.
std::string WriteSources(const std::vector<Mirror>& mirrors,
                         const Catalog& catalog);

}  // namespace oomgate
