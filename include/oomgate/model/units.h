// SPDX-License-Identifier: Apache-2.0
// Bytes as a type, with literals (256_MiB) and the short text form that users
// write and shapes are named by: "64m", "1536k", "2g".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace oomgate {

struct Bytes {
  std::int64_t count = 0;

  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes& operator+=(Bytes other) {
    count += other.count;
    return *this;
  }
};

constexpr Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
constexpr Bytes operator-(Bytes a, Bytes b) { return {a.count - b.count}; }
constexpr Bytes operator*(std::int64_t n, Bytes b) { return {n * b.count}; }
constexpr Bytes operator*(Bytes b, std::int64_t n) { return {b.count * n}; }
constexpr Bytes operator/(Bytes b, std::int64_t n) { return {b.count / n}; }
// How many whole `b` fit into `a`.
constexpr std::int64_t operator/(Bytes a, Bytes b) { return a.count / b.count; }

constexpr Bytes operator""_B(unsigned long long n) {
  return {static_cast<std::int64_t>(n)};
}
constexpr Bytes operator""_KiB(unsigned long long n) {
  return {static_cast<std::int64_t>(n << 10)};
}
constexpr Bytes operator""_MiB(unsigned long long n) {
  return {static_cast<std::int64_t>(n << 20)};
}
constexpr Bytes operator""_GiB(unsigned long long n) {
  return {static_cast<std::int64_t>(n << 30)};
}
constexpr Bytes operator""_TiB(unsigned long long n) {
  return {static_cast<std::int64_t>(n << 40)};
}

// "268435456" -> "256m"; the largest unit that divides exactly.
inline std::string ToText(Bytes b) {
  constexpr std::string_view kSuffix = "kmgt";
  std::int64_t n = b.count;
  std::string suffix;
  for (char c : kSuffix) {
    if (n == 0 || n % 1024 != 0) break;
    n /= 1024;
    suffix = c;
  }
  return std::to_string(n) + suffix;
}

// Reads "64m", "64M", "64MiB", "64mb" or plain bytes; nothing otherwise.
inline std::optional<Bytes> ParseBytes(std::string_view text) {
  std::size_t digits = 0;
  std::int64_t n = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (n > INT64_MAX / 10 - 1) return std::nullopt;
    n = n * 10 + (text[digits++] - '0');
  }
  if (digits == 0) return std::nullopt;
  std::string_view unit = text.substr(digits);
  if (unit.empty()) return Bytes{n};
  const std::size_t power =
      std::string_view("kmgt").find(static_cast<char>(unit[0] | 0x20));
  const std::string_view rest = unit.substr(1);
  if (power == std::string_view::npos ||
      !(rest.empty() || rest == "B" || rest == "b" || rest == "iB" ||
        rest == "ib")) {
    return std::nullopt;
  }
  const int shift = 10 * (static_cast<int>(power) + 1);
  if (n > (INT64_MAX >> shift)) return std::nullopt;
  return Bytes{n << shift};
}

// How gmock and humans see it, exactly: "4 MiB", "4100 KiB", "4097 B".
inline std::ostream& operator<<(std::ostream& out, Bytes b) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::int64_t n = b.count;
  int unit = 0;
  while (unit < 4 && n != 0 && n % 1024 == 0) {
    n /= 1024;
    ++unit;
  }
  return out << n << ' ' << kUnits[unit];
}

}  // namespace oomgate
