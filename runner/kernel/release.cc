// SPDX-License-Identifier: Apache-2.0
// The order of kernel releases, and what a user means by the start of one.
#include "runner/kernel/release.h"

#include <cctype>
#include <cstring>

namespace oomgate {
namespace {

bool IsDigit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// As strverscmp wants it: the end sorts before everything but "-rc".
std::string Sortable(std::string release) {
  const std::size_t rc = release.find("-rc");
  if (rc != std::string::npos) release[rc] = '\x01';
  return release + '\x02';
}

}  // namespace

bool IsOlder(const std::string& release, const std::string& other) {
  return ::strverscmp(Sortable(release).c_str(), Sortable(other).c_str()) < 0;
}

bool StartsRelease(const std::string& prefix, const std::string& release) {
  if (prefix.empty() || !release.starts_with(prefix)) return false;
  return release.size() == prefix.size() || !IsDigit(prefix.back()) ||
         !IsDigit(release[prefix.size()]);
}

std::string SeriesOf(const std::string& release) {
  const std::size_t major = release.find('.');
  if (major == std::string::npos) return release;
  std::size_t end = major + 1;
  while (end < release.size() && IsDigit(release[end])) ++end;
  return release.substr(0, end);
}

}  // namespace oomgate
