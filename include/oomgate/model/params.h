// SPDX-License-Identifier: Apache-2.0
// The parameters of one instance of a case, and the instance's name:
// `pages/zero_page[touch=write]`. Sorted by name, so that a name is canonical.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "oomgate/model/units.h"

namespace oomgate {

class Params {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;

  Params() = default;
  explicit Params(Map values) : values_(std::move(values)) {}

  // The value, or "" for a name that the case did not declare.
  std::string_view operator[](std::string_view name) const {
    const auto it = values_.find(name);
    return it == values_.end() ? std::string_view() : it->second;
  }
  // The value as a size ("64m"); zero where it is not one.
  Bytes Size(std::string_view name) const {
    return ParseBytes((*this)[name]).value_or(Bytes{});
  }
  std::int64_t Number(std::string_view name) const { return Size(name).count; }

  const Map& values() const { return values_; }
  bool operator==(const Params&) const = default;

  // "a=1,b=2"; empty without parameters.
  std::string ToText() const {
    std::string text;
    for (const auto& [name, value] : values_) {
      if (!text.empty()) text += ',';
      text += name + '=' + value;
    }
    return text;
  }

 private:
  Map values_;
};

// A case with its parameters: what is run, named and compared.
struct InstanceName {
  std::string id;
  Params params;
  bool operator==(const InstanceName&) const = default;
};

inline std::string ToText(const InstanceName& name) {
  const std::string params = name.params.ToText();
  return params.empty() ? name.id : name.id + '[' + params + ']';
}

// Reads `id` or `id[a=1,b=2]`; nothing where the brackets do not match or a
// parameter has no '='.
inline std::optional<InstanceName> ParseInstance(std::string_view text) {
  const std::size_t open = text.find('[');
  if (open == std::string_view::npos) {
    if (text.empty()) return std::nullopt;
    return InstanceName{std::string(text), {}};
  }
  if (open == 0 || text.back() != ']') return std::nullopt;
  std::string_view list = text.substr(open + 1, text.size() - open - 2);
  Params::Map values;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = list.substr(0, comma);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    values.emplace(item.substr(0, equals), item.substr(equals + 1));
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return InstanceName{std::string(text.substr(0, open)),
                      Params(std::move(values))};
}

}  // namespace oomgate
