// SPDX-License-Identifier: Apache-2.0
// What a killed process held is the group's again: the next one gets just as
// far, whatever the memory was, and the group can be removed at once.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr int kSettle = 5000;
constexpr const char* kKinds[] = {"anon", "again", "shared", "memfd", "tables"};

void Fill(Trace& trace, int kind, std::atomic<std::int64_t>& charged) {
  MapOptions options;
  if (kind == 2) options.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  if (kind == 3) {
    static char page[4096];
    const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
    for (;;) {
      if (write(file, page, sizeof page) < 0) trace.Stop("memfd", errno);
      charged += kPage.count;
    }
  }
  const Bytes stride = kind == 4 ? kHugePage : kPage;
  if (kind == 4) options.prot = PROT_READ;
  const Range range =
      MapAnonymous(trace, kind == 4 ? 64_GiB : 2 * kLimit, options);
  for (char* at = range.start; at < range.end(); at += stride.count) {
    if (kind == 4) {
      (void)*static_cast<volatile char*>(at);
    } else {
      *static_cast<volatile char*>(at) = 1;
    }
    charged += kPage.count;
  }
}

std::int64_t Milliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Set(trace, "memory.max", kLimit);
  for (int kind = 0; kind < 5; ++kind) {
    const auto set = [&](const char* what, std::int64_t value) {
      char name[48];
      std::snprintf(name, sizeof name, "%s.%s", kKinds[kind], what);
      trace.Set(name, value);
    };
    char name[48];
    std::snprintf(name, sizeof name, "%s.charged", kKinds[kind]);
    std::atomic<std::int64_t>& charged = trace.Counter(name);
    set("status",
        Reap(StartChildIn(trace, group, [&] { Fill(trace, kind, charged); })));
    const std::int64_t dead = Milliseconds();
    const auto current = [&] { return group.Number("memory.current"); };
    HoldsWithin(kSettle, [&] { return current() <= (512_KiB).count; });
    set("current", current());
    trace.Set("recover_ms", Milliseconds() - dead);
  }
  trace.Set("kills", group.Field("memory.events", "oom_kill"));
  trace.Set("ooms", group.Field("memory.events", "oom"));
  trace.Set("peak", group.Number("memory.peak"));
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  // The child's stack, tables, and kernel objects.
  constexpr Bytes kOther = 64 * kPage;
  Oracle all = AllOf(
      Survives(), Count("kills", Eq(5)), Count("ooms", Eq(5)),
      // memory.peak came with 5.19.
      Size("peak", Eq(f.kernel < KernelVersion{5, 19} ? Bytes{-1} : kLimit)),
      Difference("anon.charged", "again.charged",
                 Between(-8 * kPage.count, 8 * kPage.count)));
  for (const char* kind : kKinds) {
    const std::string name = kind;
    all = AllOf(all, Count(name + ".status", Eq(SIGKILL)),
                Size(name + ".charged", Between(kLimit - kOther, kLimit)),
                Size(name + ".current", Le(512_KiB)));
  }
  return all;
}

const Register kRecovery{
    {.id = "memcg/recovery",
     .summary = "after a kill all is given back; the next gets just as far",
     .explains = {.claim = "Seed 0: a page-table eater is killed, and then "
                           "all is well again; Documentation/admin-guide/"
                           "cgroup-v2: memory.max is a hard limit",
                  .deed = "lets one child after the other fill the group to "
                          "its limit: with anonymous, shared, memfd pages, "
                          "page tables",
                  .functions = "exit_mmap, uncharge_batch, oom_reap_task_mm, "
                               "page_counter_cancel",
                  .look_at = "<kind>.charged is how far each came, "
                             "<kind>.current what it left"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "recover_ms",
                  .better = Better::kLower,
                  .unit = "ms",
                  .kind = Kind::kTime}}}};

}  // namespace
}  // namespace oomgate
