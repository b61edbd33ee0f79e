// SPDX-License-Identifier: Apache-2.0
// cgroup v1 counts attempts beyond the limit, the most ever used, and kernel
// memory of its own; a limit below what cannot be reclaimed is refused, not
// enforced; the OOM killer keeps the group at its limit.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kUsed = 4_MiB;
constexpr const char* kLimitFile = "memory.limit_in_bytes";

struct Counters : Scene {
  GroupInBox group{trace, f};
  Member holder{trace};

  void Hold() {
    holder.RunToPause(group, [&] {
      WritePages(trace, MapAnonymous(trace, kUsed));
      const Range range =
          MapAnonymous(trace, 1_GiB, {.prot = PROT_READ, .align = 1_GiB});
      const std::int64_t before = group.Number("memory.kmem.usage_in_bytes");
      ReadPages(trace, range, kHugePage);
      Set("kmem", group.Number("memory.kmem.usage_in_bytes") - before);
      holder.Pause();
      Unmap(trace, range);
      holder.Pause();
    });
  }
};

Steps<Counters> Make(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 96 * kPage;
  const Bytes stock = 64 * f.cpus * kPage;
  const Bytes tables = kPage * (1_GiB / kHugePage);
  const auto limit = SizeIn(&Counters::group, kLimitFile);
  const auto usage = SizeIn(&Counters::group, "memory.usage_in_bytes");
  const auto most = SizeIn(&Counters::group, "memory.max_usage_in_bytes");
  const auto failcnt = CountIn(&Counters::group, "memory.failcnt");
  return {
      {"set a limit of 8 MiB",
       [](Counters& c) { return c.group.Write(kLimitFile, kLimit); },
       {{"limit", limit, kLimit},
        {"failcnt", failcnt, 0},
        {"max_usage", most, Le(stock)}}},
      {"write 4 MiB, read a byte in each 2 MiB",
       &Counters::Hold,
       {{"usage", usage,
         Between(kUsed + tables, kUsed + tables + kOwn + stock)},
        {"failcnt", failcnt, 0},
        Soon("rss", Stat(&Counters::group, "rss"),
             Between(kUsed - StatError(f), kUsed + kOwn)),
        Size("kmem", Between(tables, tables + 4 * kPage))}},
      // Tables are freed by RCU since 6.14.
      {"unmap what was read",
       [](Counters& c) { c.holder.GoOn(); },
       {Soon("usage", usage, Le(kUsed + 1_MiB))}},
      {"lower the limit below usage",
       [](Counters& c) { return c.group.Write(kLimitFile, kUsed / 2); },
       {Refused(EBUSY),
        {"limit", limit, kLimit},
        {"holder lives", [](Counters& c) { return c.holder.Lives(); }, 1}}},
      {"reset max_usage",
       [](Counters& c) {
         return c.group.Write("memory.max_usage_in_bytes", "0");
       },
       {{"max_usage", most, Between(kUsed, kUsed + kOwn + stock)}}},
      {"end who holds it, lower the limit",
       [](Counters& c) {
         c.holder.Kill();
         HoldsWithin(5000,
                     [&] { return c.group.Write(kLimitFile, kUsed / 2) == 0; });
       },
       {{"limit", limit, kUsed / 2}}},
      {"write 16 MiB of 8",
       [](Counters& c) {
         c.group.Set(c.trace, kLimitFile, kLimit);
         WriteIn(&Counters::group, 2 * kLimit)(c);
       },
       {Count("status", SIGKILL),
        Written(Between(kLimit - kOwn, kLimit)),
        {"max_usage", most, kLimit},
        {"failcnt", failcnt, Ge(17)},
        {"kills", CountIn(&Counters::group, "memory.oom_control", "oom_kill"),
         1}}},
      {"clear failcnt",
       [](Counters& c) { return c.group.Write("memory.failcnt", "0"); },
       {{"failcnt", failcnt, 0}}},
      StepOf<Counters>(
          "force it to be empty",
          [](Counters& c) { return c.group.Write("memory.force_empty", "0"); },
          {{"usage", usage, Le(512_KiB)}})
          .HoldsWithout("the kill left nothing in it; what counts is that an "
                        "empty group is no error"),
  };
}

const Register kV1Counters{
    {.id = "memcg/v1_counters",
     .summary = "v1: failcnt, max_usage, kmem; a limit below usage is EBUSY",
     .claim = "Documentation/admin-guide/cgroup-v1/memory; seed 0: page tables "
              "are kernel memory of the process",
     .functions = "mem_cgroup_resize_max, page_counter_try_charge, "
                  "memcg_account_kmem, mem_cgroup_force_empty",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 1},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
