// SPDX-License-Identifier: Apache-2.0
// cgroup v1 counts attempts beyond the limit, the most ever used, and kernel
// memory of its own; a limit below what cannot be reclaimed is refused, not
// enforced; the OOM killer keeps the group at its limit.
#include <cerrno>

#include "cases/memcg/stat.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kUsed = 4_MiB;

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Group group = Group(f).Child(trace, "group");
  group.Set(trace, "memory.limit_in_bytes", kLimit);
  const auto number = [&](const char* name, const char* file) {
    trace.Set(name, group.Number(file));
  };
  number("limit", "memory.limit_in_bytes");
  number("new.failcnt", "memory.failcnt");
  number("new.max", "memory.max_usage_in_bytes");
  Gate ready(trace);
  Gate unmap(trace);
  Gate unmapped(trace);
  const pid_t holder = StartChildIn(trace, group, [&] {
    WritePages(trace, MapAnonymous(trace, kUsed));
    MapOptions options;
    options.prot = PROT_READ;
    options.align = 1_GiB;
    const Range range = MapAnonymous(trace, 1_GiB, options);
    trace.Set("kmem.before", group.Number("memory.kmem.usage_in_bytes"));
    ReadPages(trace, range, kHugePage);
    trace.Set("kmem.after", group.Number("memory.kmem.usage_in_bytes"));
    ready.Open();
    unmap.Pass();
    Unmap(trace, range);
    unmapped.Open();
    WaitForever();
  });
  ready.Pass();
  number("used", "memory.usage_in_bytes");
  number("used.failcnt", "memory.failcnt");
  HoldsWithin(5000, [&] {
    return group.Field("memory.stat", "rss") >= (kUsed - StatError(f)).count;
  });
  trace.Set("rss", group.Field("memory.stat", "rss"));
  unmap.Open();
  unmapped.Pass();
  // Tables are freed by RCU since 6.14.
  HoldsWithin(5000, [&] {
    return group.Number("memory.usage_in_bytes") <= (kUsed + 1_MiB).count;
  });
  // Less than it has: no.
  trace.Set("lower_errno", group.Write("memory.limit_in_bytes", kUsed / 2));
  number("lower.limit", "memory.limit_in_bytes");
  trace.Set("holder", kill(holder, 0));
  trace.Set("reset_errno", group.Write("memory.max_usage_in_bytes", "0"));
  number("reset.max", "memory.max_usage_in_bytes");
  EndChild(holder);
  HoldsWithin(5000, [&] {
    return group.Write("memory.limit_in_bytes", kUsed / 2) == 0;
  });
  number("later.limit", "memory.limit_in_bytes");
  group.Set(trace, "memory.limit_in_bytes", kLimit);
  trace.Set("written", 0);
  trace.Set("hog", Reap(StartChildIn(trace, group, [&] {
              WritePages(trace, MapAnonymous(trace, 2 * kLimit));
            })));
  trace.Set("far", trace.Counter("written").load());
  number("full.max", "memory.max_usage_in_bytes");
  number("full.failcnt", "memory.failcnt");
  trace.Set("full.kills", group.Field("memory.oom_control", "oom_kill"));
  trace.Set("clear_errno", group.Write("memory.failcnt", "0"));
  number("clear.failcnt", "memory.failcnt");
  trace.Set("empty_errno", group.Write("memory.force_empty", "0"));
  number("empty.usage", "memory.usage_in_bytes");
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 96 * kPage;
  const Bytes stock = 64 * f.cpus * kPage;
  const Bytes tables = kPage * (1_GiB / kHugePage);
  return AllOf(
      Survives(), Size("limit", Eq(kLimit)), Count("new.failcnt", Eq(0)),
      Size("new.max", Le(stock)), Count("used.failcnt", Eq(0)),
      Size("used", Between(kUsed + tables, kUsed + tables + kOwn + stock)),
      Difference("kmem.after", "kmem.before",
                 Between(tables.count, (tables + 4 * kPage).count)),
      Size("rss", Between(kUsed - StatError(f), kUsed + kOwn)),
      Count("lower_errno", Eq(EBUSY)), Size("lower.limit", Eq(kLimit)),
      Count("holder", Eq(0)), Count("reset_errno", Eq(0)),
      Size("reset.max", Between(kUsed, kUsed + kOwn + stock)),
      Size("later.limit", Eq(kUsed / 2)), Count("hog", Eq(SIGKILL)),
      Size("far", Between(kLimit - kOwn, kLimit)), Size("full.max", Eq(kLimit)),
      Count("full.failcnt", Ge(17)), Count("full.kills", Eq(1)),
      Count("clear_errno", Eq(0)), Count("clear.failcnt", Eq(0)),
      Count("empty_errno", Eq(0)), Size("empty.usage", Le(512_KiB)));
}

const Register kV1Counters{
    {.id = "memcg/v1_counters",
     .summary = "v1: failcnt, max_usage, kmem; a limit below usage is EBUSY",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v1/memory; seed "
                           "0: page tables are kernel memory of the process",
                  .deed = "holds pages and tables in a group, lowers its limit "
                          "below them, then lets a child fill it",
                  .functions =
                      "mem_cgroup_resize_max, page_counter_try_charge, "
                      "memcg_account_kmem, mem_cgroup_force_empty",
                  .look_at = "kmem.* are before and after 512 tables; lower.* "
                             "after the refused limit"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 1},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
