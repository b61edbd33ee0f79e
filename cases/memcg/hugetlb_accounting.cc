// SPDX-License-Identifier: Apache-2.0
// Huge pages of the pool are no memory of a group, until cgroup2 is mounted
// with memory_hugetlb_accounting: then they are, page by page.
#include <sys/mount.h>

#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 2 * kHugePage;

struct Pool : Scene {
  // Filled before the group is there, emptied after it.
  struct Filled {
    Trace& trace;
    explicit Filled(Trace& t) : trace(t) { kVmKnobs.Set(t, "nr_hugepages", 4); }
    ~Filled() { kVmKnobs.Set(trace, "nr_hugepages", 0); }
  } filled{trace};
  OwnGroup group{trace, f};

  Bytes Current() const { return Bytes{group.Number("memory.current")}; }
  void Use() const {
    const std::int64_t free = FieldIn("/proc/meminfo", "HugePages_Free");
    const Bytes before = Current();
    const Range range = MapBare(trace, kSize, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
    WritePages(trace, range, kHugePage);
    Set("grown", Current() - before);
    Set("pages", free - FieldIn("/proc/meminfo", "HugePages_Free"));
    Unmap(trace, range);
    Set("left", Current() - before);
  }
};

int Remount(const char* options) {
  return ErrnoOf(
      mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_REMOUNT, options));
}

int Account() { return Remount("memory_hugetlb_accounting"); }
int DoNotAccount() { return Remount(""); }
std::int64_t InPool() { return kVmKnobs.Number("nr_hugepages"); }

Row<Pool> Used(const Facts& f, Bytes size) {
  const auto about = [stock = ChargeStock(f)](Bytes bytes) {
    return Between(bytes - stock, bytes + stock);
  };
  return AllOf(Count("pages", kSize / kHugePage), Size("grown", about(size)),
               Size("left", about(0_B)));
}

Steps<Pool> Make(const Params&, const Facts& f) {
  const bool has = f.kernel >= KernelVersion{6, 7};
  const char* const why = has ? "" : "the option came with 6.7 (8cba9576df60)";
  return {
      {"use two huge pages", &Pool::Use, Is("pool", InPool, 4), Used(f, 0_B),
       Count("oom_kills", 0)},
      {"remount with memory_hugetlb_accounting", Account,
       Refused(has ? 0 : EINVAL)},
      StepOf<Pool>("use two huge pages again", &Pool::Use, Used(f, kSize))
          .LeftOut(why),
      StepOf<Pool>("remount without it", DoNotAccount).LeftOut(why),
      StepOf<Pool>("use two huge pages once more", &Pool::Use, Used(f, 0_B))
          .LeftOut(why),
  };
}

const Register kHugetlbAccounting{
    {.id = "memcg/hugetlb_accounting",
     .summary = "huge pages of the pool are charged where the mount says so",
     .claim = "Documentation/admin-guide/cgroup-v2: memory_hugetlb_accounting; "
              "seed 1: shm, huge pages",
     .functions = "mem_cgroup_charge_hugetlb, alloc_hugetlb_folio",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
