// SPDX-License-Identifier: Apache-2.0
// Per-CPU memory is charged for all CPUs, to the group above for what is made
// below it; and Percpu tells all of it.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr int kGroups = 100;

struct Above : Scene {
  GroupInBox above{trace, f, "above"};
  Bytes told = {};

  Bytes Told() const { return Bytes{above.Field("memory.stat", "percpu")}; }
  static KernelFolder::Path Child(const Group& group, int i) {
    char name[16];
    std::snprintf(name, sizeof name, "%d", i);
    return group.PathOf(name);
  }
  // Groups of these numbers; waits until all of what they have is told, and
  // stands still. By how much it rose.
  Bytes Make(int from) {
    for (int i = from; i < from + kGroups; ++i) {
      Must(trace, "mkdir of a group", mkdir(Child(above, i).text, 0755));
    }
    Set("machine", Meminfo("Percpu") - machine);
    const Bytes before = told;
    HoldsWithin(5000, [&] { return Told() >= before + kGroups * 512_B; });
    told = OnceStill([&] { return Told(); });
    return told - before;
  }
  Bytes machine = Meminfo("Percpu");
};

Steps<Above> Make(const Params&, const Facts& f) {
  // mm/percpu-internal.h, pcpu_obj_full_size: a pointer is charged for each 4
  // bytes beside what all CPUs have of them; 5.10 charges less.
  const double least = 100.0 * f.cpus / (f.cpus + 2);
  return {
      // These fill what is left of earlier chunks.
      {"make 100 groups in a group",
       [](Above& a) {
         a.above.GiveToChildren(a.trace);
         a.Set("charged", a.Make(0));
       },
       {Size("charged", Ge(kGroups * 512_B))}},
      {"make 100 more",
       [](Above& a) {
         a.machine = Meminfo("Percpu");
         a.Set("charged", a.Make(kGroups));
       },
       {Size("charged", Ge(kGroups * f.cpus * 256_B)),
        // Whole pages, and with what the groups have uncharged.
        Percent("machine", "charged", Between(least - 5, 250.0))}},
      {"remove all",
       [](Above& a) {
         for (int i = 0; i < 2 * kGroups; ++i) {
           rmdir(Above::Child(a.above, i).text);
         }
       },
       {{"left", CountIn(&Above::above, "cgroup.stat", "nr_descendants"), 0}}},
  };
}

const Register kPercpu{
    {.id = "memcg/percpu",
     .summary = "per-CPU memory is charged, and Percpu tells all of it",
     .claim = "Documentation/admin-guide/cgroup-v2: percpu in memory.stat; "
              "proc(5): Percpu",
     .functions =
         "pcpu_memcg_post_alloc_hook, pcpu_nr_pages, mem_cgroup_css_alloc",
     .blast = Blast::kCgroup,
     .needs =
         {.memory = 64_MiB, .cpus = 2, .nodes = 2, .cgroup = 2, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
