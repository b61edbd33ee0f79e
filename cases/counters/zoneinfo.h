// SPDX-License-Identifier: Apache-2.0
// /proc/zoneinfo: what each zone has, and what it keeps back from whom.
#pragma once

#include <span>

#include "oomgate/case.h"

namespace oomgate {

inline constexpr int kMostZones = 32;   // of all nodes
inline constexpr int kZonesOfNode = 8;  // the kernel has up to 6

// All in pages. `min`, `low` and `high` hold `boost`, too.
struct Zone {
  int node = 0;
  char name[16] = {};  // "DMA32"
  std::int64_t boost = 0;
  std::int64_t min = 0;
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::int64_t managed = 0;
  // Kept from requests that could have had a later zone of the node: one
  // number for each of its zones.
  std::int64_t protection[kZonesOfNode] = {};
  int protections = 0;
};

// The zones of all nodes in the order of the file, empty ones included; until
// they are read again.
inline std::span<const Zone> ReadZones(Trace& trace) {
  static Zone zones[kMostZones];
  FILE* file = std::fopen("/proc/zoneinfo", "re");
  if (file == nullptr) trace.Stop("/proc/zoneinfo", errno);
  static char line[512];
  std::size_t count = 0;
  Zone zone;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const auto field = [&](const char* format, std::int64_t& value) {
      long number = 0;
      if (std::sscanf(line, format, &number) == 1) value = number;
    };
    Zone next;
    if (std::sscanf(line, "Node %d, zone %15s", &next.node, next.name) == 2) {
      zone = next;
      continue;
    }
    field(" boost %ld", zone.boost);
    field(" min %ld", zone.min);
    field(" low %ld", zone.low);
    field(" high %ld", zone.high);
    field(" managed %ld", zone.managed);
    const char* at = std::strchr(line, '(');
    if (at == nullptr || std::strstr(line, "protection:") == nullptr) continue;
    long value = 0;
    int read = 0;
    for (++at; std::sscanf(at, "%ld%n", &value, &read) == 1;) {
      if (zone.protections < kZonesOfNode) {
        zone.protection[zone.protections++] = value;
      }
      at += read;
      if (*at == ',') at += 2;
    }
    if (count == kMostZones) trace.Stop("zones of /proc/zoneinfo", E2BIG);
    zones[count++] = zone;  // nothing that counts comes later
  }
  std::fclose(file);
  return {zones, count};
}

}  // namespace oomgate
