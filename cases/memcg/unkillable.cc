// SPDX-License-Identifier: Apache-2.0
// A full group whose members must not be killed does not fail: a page fault
// waits, retrying, until there is room; what asks for pages in a system call
// is told of it instead.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kWanted = 12_MiB;

constexpr const char* kValues[] = {"map.errno",    "map.pages",  "advice.errno",
                                   "advice.pages", "read.bytes", "read.pages"};

void Protect(Trace& trace) {
  WriteKnob(trace, "/proc/self/oom_score_adj", "-1000");
}

// In a full group, a fault of its own would be the end of a protected child.
std::int64_t Populated(const Range& range) {
  static unsigned char resident[kWanted / kPage];
  if (mincore(range.start, static_cast<std::size_t>(range.size.count),
              resident) != 0) {
    return -1;
  }
  std::int64_t pages = 0;
  for (const unsigned char page : resident) pages += page & 1;
  return pages;
}

// Waits, retrying, in a page fault.
void Livelock(Trace& trace, const OpenedBox& box) {
  const Group group = box.Child("fault");
  group.Set(trace, "memory.max", kLimit);
  const pid_t child = StartChildIn(trace, group, [&] {
    Protect(trace);
    WritePages(trace, MapAnonymous(trace, kWanted));
  });
  const auto ooms = [&] { return group.Field("memory.events", "oom"); };
  HoldsWithin(10000, [&] { return ooms() >= 5; });
  int status = -1;
  trace.Set("fault.ended", EndsWithin(child, 20, status));
  trace.Set("fault.written", trace.Counter("written").load());
  trace.Set("fault.oom", ooms());
  trace.Set("fault.oom_kill", group.Field("memory.events", "oom_kill"));
  trace.Set("fault.current", group.Number("memory.current"));
  group.Set(trace, "memory.max", "max");
  trace.Set("fault.status", Reap(child));
  trace.Set("fault.finished", trace.Counter("written").load());
  group.Remove(trace);
}

// Each way to ask in a system call, in a group of its own.
template <typename Ask>
void Call(Trace& trace, const OpenedBox& box, const char* name, Ask ask) {
  const Group group = box.Child(name);
  group.Set(trace, "memory.max", kLimit);
  trace.Set(name, Reap(StartChildIn(trace, group, [&] {
              Protect(trace);
              // Whatever it writes later is its own by now: a fault of its own
              // in the full group would be for ever.
              for (const char* value : kValues) trace.Add(value, 0);
              errno = 0;
              ask();
            })));
  group.Remove(trace);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  Populated(MapAnonymous(trace, kWanted));  // makes its buffer ours
  Livelock(trace, box);
  Call(trace, box, "map", [&] {
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    const Range hole = MapAnonymous(trace, kWanted);
    Populated(hole);
    void* at = mmap(
        hole.start, static_cast<std::size_t>(kWanted.count),
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED | MAP_POPULATE,
        -1, 0);
    trace.Set("map.errno", at == MAP_FAILED ? errno : 0);
    trace.Set("map.pages", Populated(hole));
    munmap(hole.start, static_cast<std::size_t>(kWanted.count));
  });
  Call(trace, box, "advice", [&] {
    const Range range = MapAnonymous(trace, kWanted);
    Populated(range);
    const int result =
        madvise(range.start, static_cast<std::size_t>(kWanted.count),
                MADV_POPULATE_WRITE);
    trace.Set("advice.errno", result == 0 ? 0 : errno);
    trace.Set("advice.pages", Populated(range));
  });
  Call(trace, box, "read", [&] {
    const Range range = MapAnonymous(trace, kWanted);
    Populated(range);
    const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    trace.Set("read.bytes",
              read(zero, range.start, static_cast<std::size_t>(kWanted.count)));
    trace.Set("read.pages", Populated(range));
  });
}

Oracle Partly(const char* name) {
  const std::int64_t limit = kLimit / kPage;
  return AllOf(Count(name, Eq(0)),
               Count(std::string(name) + ".pages", Between(limit - 64, limit)));
}

Oracle Expect(const Params&, const Facts& f) {
  constexpr Bytes kOther = 64 * kPage;
  // MADV_POPULATE_WRITE came with 5.14.
  const bool advice = f.kernel >= KernelVersion{5, 14};
  return AllOf(
      Survives(), Count("oom_kills", Eq(0)), Count("fault.ended", Eq(0)),
      Size("fault.written", Between(kLimit - kOther, kLimit)),
      Count("fault.oom", Ge(5)), Count("fault.oom_kill", Eq(0)),
      Size("fault.current", Between(kLimit - 4 * kPage, kLimit)),
      Count("fault.status", Eq(0)), Size("fault.finished", Eq(kWanted)),
      Count("map.errno", Eq(0)), Partly("map"),
      Count("advice.errno", Eq(advice ? ENOMEM : EINVAL)),
      advice ? Partly("advice") : Count("advice.pages", Eq(0)),
      Size("read.bytes", Between(kLimit - kOther, kLimit)), Partly("read"));
}

const Register kUnkillable{
    {.id = "memcg/unkillable",
     .summary = "nobody to kill: faults wait, system calls stop half-way",
     .explains = {.claim = "Seed 0: a valid access cannot fail; where nobody "
                           "may be killed it waits (cgroup.unkillable_"
                           "livelock, cgroup.populate_partial)",
                  .deed = "with oom_score_adj -1000, alone in a group, wants "
                          "more than its limit: by faults, MAP_POPULATE, "
                          "MADV_POPULATE_WRITE, read",
                  .functions = "mem_cgroup_oom, pagefault_out_of_memory, "
                               "faultin_page, madvise_populate",
                  .look_at = "fault.ended says that it died or was let "
                             "through; *.pages how far each call came"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
