// SPDX-License-Identifier: Apache-2.0
// What a guest is asked to do: encoding and decoding.
#include "runner/launch/orders.h"

#include <algorithm>
#include <charconv>

namespace oomgate {
namespace {

std::string_view NextWord(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

bool ReadNumber(std::string_view text, std::int64_t& out) {
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// "run <blast> <box bytes> <timeout> <invert> <instance>"
bool ReadRun(std::string_view line, JudgeOrder& order) {
  std::int64_t blast = 0;
  std::int64_t timeout = 0;
  std::int64_t invert = 0;
  if (!ReadNumber(NextWord(line), blast) || blast < 0 || blast > 2 ||
      !ReadNumber(NextWord(line), order.box.count) ||
      !ReadNumber(NextWord(line), timeout) ||
      !ReadNumber(NextWord(line), invert) || line.empty()) {
    return false;
  }
  order.blast = static_cast<Blast>(blast);
  order.timeout_seconds = static_cast<int>(timeout);
  order.invert = invert != 0;
  order.instance = line;
  return true;
}

bool ReadLine(std::string_view line, GuestOrders& orders) {
  const std::string_view verb = NextWord(line);
  std::int64_t number = 0;
  if (verb == "wait") {
    orders.wait = true;
  } else if (verb == "symbols") {
    orders.symbols = true;
  } else if (verb == "cgroup" && ReadNumber(line, number)) {
    orders.cgroup = static_cast<int>(number);
  } else if (verb == "swap" && ReadNumber(NextWord(line), number)) {
    orders.swap_size = Bytes{number};
    orders.swap = line;
  } else if (verb == "disk") {
    orders.disk = line;
  } else if (verb == "module") {
    orders.modules.emplace_back(line);
  } else if (verb == "set") {
    Setting setting;
    setting.path = NextWord(line);
    setting.value = line;
    orders.settings.push_back(setting);
  } else if (verb == "show") {
    orders.shown.emplace_back(line);
  } else if (verb == "run") {
    JudgeOrder order;
    if (!ReadRun(line, order)) return false;
    orders.instances.push_back(order);
  } else if (verb == "without" && !orders.instances.empty()) {
    // This and knobs are of the instance before them.
    if (!IsStepName(line)) return false;
    orders.instances.back().without = line;
  } else if (verb == "knob" && !orders.instances.empty()) {
    Setting knob;
    knob.path = NextWord(line);
    knob.value = line;
    orders.instances.back().knobs.push_back(knob);
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool IsStepName(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest && text.front() != ' ' &&
         text.back() != ' ' &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string Encode(const GuestOrders& orders) {
  std::string text = orders.wait ? "wait\n" : "";
  if (orders.symbols) text += "symbols\n";
  text += "cgroup " + std::to_string(orders.cgroup) + "\n";
  for (const std::string& path : orders.modules)
    text += "module " + path + "\n";
  if (!orders.swap.empty()) {
    text += "swap " + std::to_string(orders.swap_size.count) + " " +
            orders.swap + "\n";
  }
  if (!orders.disk.empty()) text += "disk " + orders.disk + "\n";
  for (const Setting& setting : orders.settings) {
    text += "set " + setting.path + " " + setting.value + "\n";
  }
  for (const std::string& path : orders.shown) text += "show " + path + "\n";
  for (const JudgeOrder& order : orders.instances) {
    text += "run " + std::to_string(static_cast<int>(order.blast)) + " " +
            std::to_string(order.box.count) + " " +
            std::to_string(order.timeout_seconds) + " " +
            (order.invert ? "1 " : "0 ") + order.instance + "\n";
    if (!order.without.empty()) text += "without " + order.without + "\n";
    for (const Setting& knob : order.knobs) {
      text += "knob " + knob.path + " " + knob.value + "\n";
    }
  }
  return text;
}

std::optional<GuestOrders> DecodeOrders(std::string_view text) {
  GuestOrders orders;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return std::nullopt;
    if (!ReadLine(text.substr(0, newline), orders)) return std::nullopt;
    text.remove_prefix(newline + 1);
  }
  return orders;
}

}  // namespace oomgate
