// SPDX-License-Identifier: Apache-2.0
// What each zone keeps back follows from three knobs, to the page: its
// watermarks, and its reserve from requests that could go elsewhere.
#include "cases/counters/zoneinfo.h"

namespace oomgate {
namespace {

// More than huge pages ever want, which is a twentieth of RAM
// (set_recommended_min_free_kbytes).
std::int64_t AskedKb(const Facts& f) { return f.ram / 1_KiB / 16; }

// One ratio for each zone of a node.
struct Ratios {
  std::int64_t of[kZonesOfNode] = {};
};

Ratios ReadRatios(Trace& trace) {
  FILE* file = std::fopen("/proc/sys/vm/lowmem_reserve_ratio", "re");
  if (file == nullptr) trace.Stop("lowmem_reserve_ratio", errno);
  Ratios ratios;
  for (std::int64_t& ratio : ratios.of) {
    if (std::fscanf(file, "%ld", &ratio) != 1) break;
  }
  std::fclose(file);
  return ratios;
}

// By how much all watermarks and reserves together are off, in pages.
void Look(const Scene& s) {
  const std::span<const Zone> zones = ReadZones(s.trace);
  const std::int64_t min_free =
      kVmKnobs.Number("min_free_kbytes") * 1_KiB / kPage;
  const std::int64_t scale = kVmKnobs.Number("watermark_scale_factor");
  const Ratios ratios = ReadRatios(s.trace);
  std::int64_t all = 0;
  for (const Zone& zone : zones) all += zone.managed;
  std::int64_t reserved = 0;
  std::size_t first = 0;  // of the node
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const Zone& zone = zones[i];
    if (zone.node != zones[first].node) first = i;
    // An empty zone does not use them; kernels set them differently there.
    if (zone.managed == 0) continue;
    // __setup_per_zone_wmarks.
    const std::int64_t min = min_free * zone.managed / all;
    const std::int64_t step = std::max(min / 4, zone.managed * scale / 10000);
    s.trace.Add("min off", std::abs(zone.min - zone.boost - min));
    s.trace.Add("low off", std::abs(zone.low - zone.boost - min - step));
    s.trace.Add("high off", std::abs(zone.high - zone.boost - min - 2 * step));
    // setup_per_zone_lowmem_reserve: what the zones above have, up to each.
    const std::int64_t ratio = ratios.of[i - first];
    std::int64_t above = 0;
    for (int j = 0; j < zone.protections; ++j) {
      const std::size_t other = first + j;
      const std::int64_t told = zone.protection[j];
      std::int64_t expected = 0;
      if (other > i) {
        above += zones[other].managed;
        if (ratio > 0) expected = above / ratio;
        // Some kernels keep nothing from those who could have had an empty
        // zone.
        if (zones[other].managed == 0 && told == 0) continue;
      }
      s.trace.Add("reserve off", std::abs(told - expected));
      reserved = std::max(reserved, told);
    }
  }
  s.Set("reserved", reserved);
  s.Set("managed", all);
}

auto Knob(const char* knob) {
  return [=] { return kVmKnobs.Number(knob); };
}
auto Write(const char* knob, const char* value) {
  return [=] { return kVmKnobs.Write(knob, value); };
}
// In brackets it is what holds: "[always] madvise never".
auto HugeAre(const char* state) {
  return [=] {
    char text[64] = {};
    const int fd = open(kThpKnobs.PathOf("enabled").text, O_RDONLY | O_CLOEXEC);
    (void)!read(fd, text, sizeof text - 1);
    close(fd);
    return std::strstr(text, state) != nullptr;
  };
}

Row<Scene> Hold(const Facts& f, std::int64_t off, std::int64_t reserve_off) {
  return {Look, AllOf(Count("min off", Le(off)), Count("low off", Le(off)),
                      Count("high off", Le(off)),
                      Count("reserve off", Le(reserve_off)),
                      Count("managed", f.ram / kPage))};
}

Steps<Scene> Make(const Params& p, const Facts& f) {
  // At boot they are computed of fewer pages, some are only freed later; the
  // reserves are not computed again before their ratio is written.
  const std::int64_t fewer = f.ram / kPage / 512;
  if (p["by"] == "huge") {
    // What was asked for is not taken back when huge pages, which want more
    // free, are switched on and off.
    const Row<Scene> as_asked("min free", Knob("min_free_kbytes"), AskedKb(f));
    return {{"ask for a sixteenth of RAM",
             [](Scene& s) {
               return kVmKnobs.Write("min_free_kbytes", AskedKb(s.f));
             },
             as_asked},
            {"switch huge pages on",
             [] { return kThpKnobs.Write("enabled", "always"); }, as_asked,
             Is("on", HugeAre("[always]"), 1)},
            {"switch huge pages off",
             [] { return kThpKnobs.Write("enabled", "never"); }, as_asked,
             Is("off", HugeAre("[never]"), 1), Hold(f, 0, fewer)}};
  }
  const Row<Scene> reserves = Count("reserved", Gt(0));
  return {
      {"look after boot", [] {}, Hold(f, fewer, fewer), reserves},
      {"write min_free_kbytes", Write("min_free_kbytes", "8192"), Hold(f, 0, 0),
       Is("min free", Knob("min_free_kbytes"), 8192)},
      {"write watermark_scale_factor", Write("watermark_scale_factor", "300"),
       Hold(f, 0, 0), Is("scale", Knob("watermark_scale_factor"), 300)},
      {"write lowmem_reserve_ratio", Write("lowmem_reserve_ratio", "64 64 64"),
       Hold(f, 0, 0), reserves, Is("ratio", Knob("lowmem_reserve_ratio"), 64)}};
}

const Register kWatermarks{
    {.id = "counters/watermarks",
     .summary = "each zone's watermarks and reserves follow the three knobs",
     .claim = "Documentation/admin-guide/sysctl/vm: min_free_kbytes, "
              "watermark_scale_factor, lowmem_reserve_ratio",
     .functions = "__setup_per_zone_wmarks, setup_per_zone_lowmem_reserve",
     .look_at = "reserve off: the line protection of /proc/zoneinfo",
     .suite = Suite::kQuick,
     .blast = Blast::kMachine,
     .needs = {.settings = {kVmKnobs.With("watermark_boost_factor", "0")}},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["by"] == "huge") {
             instance.needs.settings.push_back(
                 kThpKnobs.With("enabled", "madvise"));
           }
         },
     .params = {{"by", {"knobs", "huge"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
