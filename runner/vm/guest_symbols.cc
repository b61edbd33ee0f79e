// SPDX-License-Identifier: Apache-2.0
// The functions of guests' kernels, as records say them.
#include "runner/vm/guest_symbols.h"

#include <optional>
#include <utility>

#include "oomgate/model/json.h"
#include "runner/error.h"

namespace oomgate {
namespace {

constexpr int kAttempts = 2;  // one boot in 150 dies under TCG

std::optional<Symbols> Ask(
    const std::function<GuestEnd(const GuestSymbols::OnLine&)>& ask,
    std::string& why) {
  Symbols symbols;
  bool understood = true;
  const GuestEnd end = ask([&](std::string_view line) {
    const Json record = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!record.is_object() || record.value("event", "") != "symbols") return;
    understood = understood && symbols.AddSent(record.value("text", "?"));
  });
  why = end.reason;
  if (end.fate != Fate::kEnded || end.garbled + end.missing > 0 ||
      !understood) {
    return std::nullopt;
  }
  return symbols;
}

}  // namespace

const Symbols& GuestSymbols::For(
    const std::string& key, const std::function<GuestEnd(const OnLine&)>& ask) {
  const std::scoped_lock lock(mutex_);
  if (const auto it = known_.find(key); it != known_.end()) return it->second;
  std::optional<Symbols> symbols;
  std::string why;
  for (int i = 0; i < kAttempts && !symbols; ++i) symbols = Ask(ask, why);
  if (!symbols) {
    throw HarnessError("the kernel's functions did not arrive" +
                       (why.empty() ? "" : ": " + why));
  }
  if (symbols->empty()) {
    throw UserError(
        "--profile-functions: this kernel has no /proc/kallsyms: name its "
        "vmlinux or System.map with --profile-functions=FILE");
  }
  return known_.emplace(key, std::move(*symbols)).first->second;
}

}  // namespace oomgate
