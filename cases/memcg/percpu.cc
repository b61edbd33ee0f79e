// SPDX-License-Identifier: Apache-2.0
// Per-CPU memory is charged for all CPUs, to the group above for what is made
// below it; and Percpu tells all of it.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cases/memcg/stat.h"

namespace oomgate {
namespace {

constexpr int kGroups = 100;
constexpr int kFolded = 5000;

// Groups of these numbers, below another one.
void Make(Trace& trace, const Group& above, int from, int to) {
  for (int i = from; i < to; ++i) {
    char path[256];
    std::snprintf(path, sizeof path, "%s/%d", above.folder(), i);
    if (mkdir(path, 0755) != 0) trace.Stop("mkdir of a group", errno);
  }
}
void Remove(const Group& above, int from, int to) {
  for (int i = from; i < to; ++i) {
    char path[256];
    std::snprintf(path, sizeof path, "%s/%d", above.folder(), i);
    rmdir(path);
  }
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group above = box.Child("above");
  above.GiveToChildren(trace);
  const auto charged = [&] { return above.Field("memory.stat", "percpu"); };
  // These fill what is left of earlier chunks.
  Make(trace, above, 0, kGroups);
  HoldsWithin(kFolded, [&] { return charged() >= kGroups * 512; });
  const std::int64_t start = OnceStill(charged);
  const Bytes machine = Meminfo("Percpu");
  Make(trace, above, kGroups, 2 * kGroups);
  trace.Set("machine", Meminfo("Percpu") - machine);
  HoldsWithin(kFolded, [&] { return charged() - start >= kGroups * 512; });
  trace.Set("charged", OnceStill(charged) - start);
  Remove(above, 0, 2 * kGroups);
  above.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  // mm/percpu-internal.h, pcpu_obj_full_size: a pointer is charged for each 4
  // bytes beside what all CPUs have of them; 5.10 charges less.
  const double least = 100.0 * f.cpus / (f.cpus + 2);
  return AllOf(Survives(), Size("charged", Ge(kGroups * f.cpus * 256_B)),
               // Whole pages, and with what the groups have uncharged.
               Percent("machine", "charged", Between(least - 5, 250.0)));
}

const Register kPercpu{
    {.id = "memcg/percpu",
     .summary = "per-CPU memory is charged, and Percpu tells all of it",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: percpu in "
                           "memory.stat; proc(5): Percpu",
                  .deed = "makes 100 groups, each with counters of its own on "
                          "each of two CPUs",
                  .functions = "pcpu_memcg_post_alloc_hook, pcpu_nr_pages, "
                               "mem_cgroup_css_alloc",
                  .look_at = "charged is what the group above them has for it, "
                             "machine by how much Percpu rose"},
     .blast = Blast::kCgroup,
     .needs =
         {.memory = 64_MiB, .cpus = 2, .nodes = 2, .cgroup = 2, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
