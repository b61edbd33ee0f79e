// SPDX-License-Identifier: Apache-2.0
// In cgroup v1 each group has a swappiness of its own: 0 keeps it out of swap
// until it is killed, whatever the machine's is; its neighbour is swapped.
#include <cstdio>

#include "cases/memcg/stat.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kWanted = 16_MiB;

// What becomes of who writes twice its limit.
void Fill(Trace& trace, const Facts& f, const char* name, const char* value) {
  const auto set = [&](const char* what, std::int64_t number) {
    char key[48];
    std::snprintf(key, sizeof key, "%s.%s", name, what);
    trace.Set(key, number);
  };
  const Group group = Group(f).Child(trace, name);
  group.Set(trace, "memory.limit_in_bytes", kLimit);
  group.Set(trace, "memory.swappiness", value);
  const std::int64_t out = Vmstat("pswpout");
  trace.Set("written", 0);
  set("status", Reap(StartChildIn(trace, group, [&] {
        WritePages(trace, MapAnonymous(trace, kWanted));
      })));
  set("written", trace.Counter("written").load());
  set("swapped", Vmstat("pswpout") - out);
  set("kills", group.Field("memory.oom_control", "oom_kill"));
  group.Remove(trace);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  trace.Set("inherited", Group(f).Number("memory.swappiness"));
  Fill(trace, f, "never", "0");
  Fill(trace, f, "often", "100");
}

Oracle Expect(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 96 * kPage;
  constexpr std::int64_t kOut = (kWanted - kLimit) / kPage;
  const std::int64_t stock = 64 * f.cpus;
  return AllOf(
      Survives(), Count("inherited", Eq(60)),
      Count("never.status", Eq(SIGKILL)), Count("never.kills", Eq(1)),
      Count("never.swapped", Eq(0)),
      Size("never.written", Between(kLimit - kOwn - stock * kPage, kLimit)),
      Count("often.status", Eq(0)), Count("often.kills", Eq(0)),
      Size("often.written", Eq(kWanted)), Count("often.swapped", Ge(kOut)));
}

const Register kV1Swappiness{
    {.id = "memcg/v1_swappiness",
     .summary = "v1: a group's own swappiness, 0 or 100, decides about swap",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v1/memory: "
                           "swappiness overrides the global one, and 0 does "
                           "not swap; seed 1: swap",
                  .deed = "writes twice its limit in a group of swappiness 0, "
                          "and in one of 100",
                  .functions = "mem_cgroup_swappiness, get_scan_count",
                  .look_at = "never.swapped above 0: the group's own setting "
                             "does not count"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 1,
               .alone = true,
               .settings = {{"/proc/sys/vm/swappiness", "60"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
