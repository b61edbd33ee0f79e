// SPDX-License-Identifier: Apache-2.0
// What each zone keeps back follows from three knobs, to the page: its
// watermarks, and its reserve from requests that could go elsewhere.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "cases/counters/zoneinfo.h"

namespace oomgate {
namespace {

constexpr const char* kMinFree = "/proc/sys/vm/min_free_kbytes";
constexpr const char* kScale = "/proc/sys/vm/watermark_scale_factor";
constexpr const char* kRatio = "/proc/sys/vm/lowmem_reserve_ratio";
constexpr const char* kHuge = "/sys/kernel/mm/transparent_hugepage/enabled";
// More than huge pages ever want, which is a twentieth of RAM
// (set_recommended_min_free_kbytes).
std::int64_t AskedKb(const Facts& f) { return f.ram / 1_KiB / 16; }

// One ratio for each zone of a node.
struct Ratios {
  std::int64_t of[kZonesOfNode] = {};
};

Ratios ReadRatios(Trace& trace) {
  FILE* file = std::fopen(kRatio, "re");
  if (file == nullptr) trace.Stop(kRatio, errno);
  Ratios ratios;
  for (std::int64_t& ratio : ratios.of) {
    long value = 0;
    if (std::fscanf(file, "%ld", &value) != 1) break;
    ratio = value;
  }
  std::fclose(file);
  return ratios;
}

// By how much all watermarks and reserves together are off, in pages.
void Leave(Trace& trace, const char* state) {
  static Zone zones[kMostZones];
  const int count = ReadZones(trace, zones);
  const std::int64_t min_free = NumberIn(kMinFree) / 4;  // kB to pages
  const std::int64_t scale = NumberIn(kScale);
  const Ratios ratios = ReadRatios(trace);
  std::int64_t all = 0;
  for (int i = 0; i < count; ++i) all += zones[i].managed;
  std::int64_t min_off = 0;
  std::int64_t low_off = 0;
  std::int64_t high_off = 0;
  std::int64_t reserve_off = 0;
  std::int64_t reserved = 0;
  for (int i = 0; i < count; ++i) {
    const Zone& zone = zones[i];
    const auto off = [&](std::int64_t& sum, std::int64_t told,
                         std::int64_t expected) {
      sum += std::abs(told - zone.boost - expected);
    };
    // __setup_per_zone_wmarks. Of an empty zone they are of no use, and not the
    // same on all kernels.
    if (zone.managed == 0) continue;
    const std::int64_t min = min_free * zone.managed / all;
    const std::int64_t step = std::max(min / 4, zone.managed * scale / 10000);
    off(min_off, zone.min, min);
    off(low_off, zone.low, min + step);
    off(high_off, zone.high, min + 2 * step);
    // setup_per_zone_lowmem_reserve: what the zones above have, up to each.
    const auto first = [&] {
      int at = i;
      while (at > 0 && zones[at - 1].node == zone.node) --at;
      return at;
    }();
    const std::int64_t ratio = ratios.of[i - first];
    std::int64_t above = 0;
    for (int j = 0; j < zone.protections; ++j) {
      const int other = first + j;
      if (other > i) above += zones[other].managed;
      const std::int64_t told = zone.protection[j];
      std::int64_t expected = 0;
      if (other > i && ratio > 0 && zone.managed > 0) expected = above / ratio;
      // Some kernels keep nothing from those who could have had an empty zone.
      const bool empty = other > i && zones[other].managed == 0 && told == 0;
      if (!empty) reserve_off += std::abs(told - expected);
      reserved = std::max(reserved, told);
    }
  }
  const auto set = [&](const char* what, std::int64_t value) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", state, what);
    trace.Set(name, value);
  };
  set("min_off", min_off);
  set("low_off", low_off);
  set("high_off", high_off);
  set("reserve_off", reserve_off);
  set("reserved", reserved);
  set("managed", all);
}

// What was asked for is not taken back when huge pages, which want more free,
// are switched on and off.
void Huge(Trace& trace, const Facts& f) {
  char asked[24];
  std::snprintf(asked, sizeof asked, "%lld",
                static_cast<long long>(AskedKb(f)));
  WriteKnob(trace, kMinFree, asked);
  for (const char* state : {"always", "never"}) {
    WriteKnob(trace, kHuge, state);
    trace.Set(state, NumberIn(kMinFree));
  }
  Leave(trace, "huge");
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["by"] == "huge") return Huge(trace, f);
  Leave(trace, "boot");
  WriteKnob(trace, kMinFree, "8192");
  Leave(trace, "min_free");
  WriteKnob(trace, kScale, "300");
  Leave(trace, "scale");
  WriteKnob(trace, kRatio, "64 64 64");
  Leave(trace, "ratio");
}

Oracle Hold(const Facts& f, const std::string& state) {
  // At boot they are computed of fewer pages, some are only freed later; the
  // reserves are not computed again before their ratio is written.
  const std::int64_t fewer = f.ram / kPage / 512;
  const std::int64_t off = state == "boot" ? fewer : 0;
  const std::int64_t reserve_off = state == "huge" ? fewer : off;
  return AllOf(Count(state + ".min_off", Le(off)),
               Count(state + ".low_off", Le(off)),
               Count(state + ".high_off", Le(off)),
               Count(state + ".reserve_off", Le(reserve_off)),
               Count(state + ".managed", Eq(f.ram / kPage)));
}

Oracle Expect(const Params& p, const Facts& f) {
  if (p["by"] == "huge") {
    return AllOf(Survives(), Hold(f, "huge"), Count("always", Eq(AskedKb(f))),
                 Count("never", Eq(AskedKb(f))));
  }
  return AllOf(AllOf(Survives(), Hold(f, "boot"), Hold(f, "min_free")),
               Hold(f, "scale"), Hold(f, "ratio"),
               Count("boot.reserved", Gt(0)), Count("ratio.reserved", Gt(0)));
}

const Register kWatermarks{
    {.id = "counters/watermarks",
     .summary = "each zone's watermarks and reserves follow the three knobs",
     .explains =
         {.claim = "Documentation/admin-guide/sysctl/vm: min_free_kbytes, "
                   "watermark_scale_factor, lowmem_reserve_ratio",
          .deed = "computes them for each zone at boot, and after each of the "
                  "knobs was written; switches huge pages on and off",
          .functions = "__setup_per_zone_wmarks, "
                       "setup_per_zone_lowmem_reserve",
          .look_at = "*_off: pages by which all zones together are off; "
                     "reserve_off: the line protection of /proc/zoneinfo"},
     .suite = Suite::kQuick,
     .blast = Blast::kMachine,
     .needs = {.settings = {{"/proc/sys/vm/watermark_boost_factor", "0"}}},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["by"] == "huge") {
             instance.needs.settings.push_back({kHuge, "madvise"});
           }
         },
     .params = {{"by", {"knobs", "huge"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
