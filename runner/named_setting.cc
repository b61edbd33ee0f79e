// SPDX-License-Identifier: Apache-2.0
// Names to files.
#include "runner/named_setting.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "runner/error.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

constexpr const char* kThp = "/sys/kernel/mm/transparent_hugepage/";

bool IsPath(const std::string& name) {
  return (name.starts_with("/proc/sys/") || name.starts_with("/sys/")) &&
         name.find("..") == std::string::npos;
}

bool IsName(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
  });
}

std::string PathOf(const std::string& name) {
  if (name == "thp") return std::string(kThp) + "enabled";
  if (name.starts_with("thp.")) return kThp + name.substr(4);
  std::string path = name;
  std::ranges::replace(path, '.', '/');
  return "/proc/sys/" + path;
}

}  // namespace

Setting ParseSetting(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::string value =
      equals == std::string::npos ? "" : text.substr(equals + 1);
  const bool printable = std::ranges::none_of(
      text, [](unsigned char c) { return std::iscntrl(c) != 0; });
  const bool path = IsPath(name) && name.find(' ') == std::string::npos;
  if (value.empty() || !printable || !(path || IsName(name))) {
    throw UserError(fmt::format(
        "'{}': no setting; write vm.overcommit_memory=2, thp=never, "
        "thp.defrag=defer or /sys/FILE=VALUE",
        Printable(text)));
  }
  return {path ? name : PathOf(name), value};
}

}  // namespace oomgate
