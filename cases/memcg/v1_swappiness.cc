// SPDX-License-Identifier: Apache-2.0
// In cgroup v1 each group has a swappiness of its own: 0 keeps it out of swap
// until it is killed, whatever the machine's is; its neighbour is swapped.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kWanted = 16_MiB;

struct Two : Scene {
  GroupInBox never{trace, f, "never"};
  GroupInBox often{trace, f, "often"};
};

// What becomes of who writes twice its limit.
auto Fill(GroupInBox Two::*group, int swappiness) {
  return [=](Two& s) {
    (s.*group).Set(s.trace, "memory.limit_in_bytes", kLimit);
    (s.*group).Set(s.trace, "memory.swappiness", swappiness);
    WriteIn(group, kWanted)(s);
  };
}

Steps<Two> Make(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 96 * kPage;
  const Bytes stock = 64 * f.cpus * kPage;
  const auto inherited = CountIn(&Two::never, "memory.swappiness");
  const auto kills = [](GroupInBox Two::*group) {
    return CountIn(group, "memory.oom_control", "oom_kill");
  };
  const auto swapped = [] { return Vmstat("pswpout"); };
  return {
      {"make a group", [] {}, {{"swappiness", inherited, 60}}},
      {"write 16 MiB of 8, swappiness 0",
       Fill(&Two::never, 0),
       {Count("status", SIGKILL),
        {"kills", kills(&Two::never), 1},
        Change("swapped", swapped, 0),
        Written(Between(kLimit - kOwn - stock, kLimit))}},
      {"write 16 MiB of 8, swappiness 100",
       Fill(&Two::often, 100),
       {Count("status", 0),
        {"kills", kills(&Two::often), 0},
        Change("swapped", swapped, Ge((kWanted - kLimit) / kPage)),
        Written(kWanted)}},
  };
}

const Register kV1Swappiness{
    {.id = "memcg/v1_swappiness",
     .summary = "v1: a group's own swappiness, 0 or 100, decides about swap",
     .claim = "Documentation/admin-guide/cgroup-v1/memory: swappiness "
              "overrides the global one, and 0 does not swap; seed 1: swap",
     .functions = "mem_cgroup_swappiness, get_scan_count",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 1,
               .alone = true,
               .settings = {{"/proc/sys/vm/swappiness", "60"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
