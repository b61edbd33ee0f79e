// SPDX-License-Identifier: Apache-2.0
// Huge pages of the pool are no memory of a group, until cgroup2 is mounted
// with memory_hugetlb_accounting: then they are, page by page.
#include <sys/mount.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kPages = 2;
constexpr const char* kPool = "/proc/sys/vm/nr_hugepages";
constexpr const char* kMount = "/sys/fs/cgroup";

int Remount(const char* options) {
  return mount("cgroup2", kMount, "cgroup2", MS_REMOUNT, options) == 0 ? 0
                                                                       : errno;
}

void Use(Trace& trace, const Group& group, const char* grown,
         const char* left) {
  const std::int64_t before = group.Number("memory.current");
  const auto length = static_cast<std::size_t>((kPages * kHugePage).count);
  void* at = mmap(nullptr, length, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of huge pages", errno);
  WritePages(trace,
             {.start = static_cast<char*>(at), .size = kPages * kHugePage},
             kHugePage);
  trace.Set(grown, group.Number("memory.current") - before);
  munmap(at, length);
  trace.Set(left, group.Number("memory.current") - before);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  WriteKnob(trace, kPool, "4");
  trace.Set("pool", NumberIn(kPool));
  {
    const OpenedBox box(trace, f);
    const Group group = box.Child("group");
    group.Enter(trace);
    Use(trace, group, "plain", "plain_left");
    const int error = Remount("memory_hugetlb_accounting");
    trace.Set("remount", error);
    if (error == 0) {
      Use(trace, group, "charged", "charged_left");
    }
    Remount("");
    box.self().Enter(trace);
    group.Remove(trace);
  }
  WriteKnob(trace, kPool, "0");
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes all = kPages * kHugePage;
  const Bytes stock = 64 * f.cpus * kPage;
  const auto about = [=](Bytes size) {
    return Between(size - stock, size + stock);
  };
  const Oracle always =
      AllOf(Survives(), Count("pool", Eq(4)), Size("plain", about(0_B)),
            Size("plain_left", about(0_B)), Count("oom_kills", Eq(0)));
  // The option came with 6.7 (8cba9576df60).
  if (f.kernel < KernelVersion{6, 7}) {
    return AllOf(always, Count("remount", Eq(EINVAL)));
  }
  return AllOf(always, Count("remount", Eq(0)), Size("charged", about(all)),
               Size("charged_left", about(0_B)));
}

const Register kHugetlbAccounting{
    {.id = "memcg/hugetlb_accounting",
     .summary = "huge pages of the pool are charged where the mount says so",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: "
                           "memory_hugetlb_accounting; seed 1: shm, huge pages",
                  .deed = "uses two huge pages before and after cgroup2 is "
                          "remounted with that option",
                  .functions = "mem_cgroup_charge_hugetlb, alloc_hugetlb_folio",
                  .look_at = "plain and charged are the growth of "
                             "memory.current"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
