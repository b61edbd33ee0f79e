// SPDX-License-Identifier: Apache-2.0
// The policy of shared memory is the file's, page by page: whoever touches it,
// from whatever mapping, gets the page where the range's policy says.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 500;
constexpr std::int64_t kPart = 100;  // as many again are bound, after it
constexpr Bytes kSize = kPages * kPage;

Range Shared(Trace& trace, int file) {
  return MapFile(trace, file, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
}
// Of a new file, which lives as long as it is mapped.
Range NewShared(const Placing& s) {
  const int file = MakeMemfd(s.trace, kSize);
  const Range range = Shared(s.trace, file);
  close(file);
  return range;
}

// A part is bound; another process touches all of it, by a mapping of its own.
int BindPart(Placing& s) {
  const int file = MakeMemfd(s.trace, kSize);
  const Range bound = Shared(s.trace, file);
  const int error =
      BindRange(bound.Part(kPart * kPage, kPart * kPage), MPOL_BIND, kNode1);
  Unmap(s.trace, bound);
  const int status = RunChild(s.trace, [&] {
    const Range own = Shared(s.trace, file);
    WritePages(s.trace, own);
    s.Set("node0", PagesOnNode(own, 0));
    s.Set("node1", PagesOnNode(own, 1));
    const auto where = [&](std::int64_t page) {
      return Where(own.start + page * kPage.count);
    };
    s.Set("before it", where(kPart - 1));
    s.Set("its first", where(kPart));
    s.Set("its last", where(2 * kPart - 1));
    s.Set("after it", where(2 * kPart));
  });
  s.Set("child", status);
  close(file);
  return error;
}

// Shared memory, by the counter of a node.
auto ShmemOf(const char* node) {
  return [folder = KernelFolder(node)] {
    RefreshVmstat();
    return folder.Field("vmstat", "nr_shmem");
  };
}

Steps<Placing> Make(const Params&, const Facts&) {
  return {
      {"write shared pages bound to node 1",
       [](Placing& s) {
         RunOnCpu(s.trace, 0);
         return s.WriteBound(
             MapAnonymous(s.trace, kSize,
                          {.flags = MAP_SHARED | MAP_ANONYMOUS}),
             MPOL_BIND, kNode1);
       },
       {ByNode(0, kPages)}},
      {"write a memfd in turns",
       [](Placing& s) {
         return s.WriteBound(NewShared(s), MPOL_INTERLEAVE, kBoth);
       },
       {ByNode(kPages / 2, kPages / 2)}},
      {"bind a part of one, write in a child",
       BindPart,
       {Count("child", 0), Count("node0", kPages - kPart),
        Count("node1", kPart), Count("before it", 0), Count("its first", 1),
        Count("its last", 1), Count("after it", 0)}},
      // Where the file has none, the policy of who touches it counts.
      {"write one, the process bound to node 1",
       [](Placing& s) { return s.WriteUnder(NewShared(s), MPOL_BIND, kNode1); },
       {ByNode(0, kPages)}},
      {"write one without a policy",
       [](Placing& s) { WritePages(s.trace, s.Renew(NewShared(s))); },
       {ByNode(kPages, 0)}},
      // Moved, they count where they are.
      {"move it to node 1",
       [](Placing& s) { MoveAll(s.range, 1); },
       {ByNode(0, kPages),
        Change("shmem0", ShmemOf("/sys/devices/system/node/node0"), -kPages),
        Change("shmem1", ShmemOf("/sys/devices/system/node/node1"), kPages)}},
  };
}

const Register kSharedPolicy{
    {.id = "numa/shared_policy",
     .summary = "shared memory comes from where its range is bound to",
     .claim =
         "Seed 1 (numactl, shm); "
         "Documentation/admin-guide/mm/numa_memory_policy: shared policies",
     .functions = "shmem_set_policy, mpol_set_shared_policy, "
                  "mpol_shared_policy_lookup, shmem_get_pgoff_policy",
     .needs = TwoNodes(),
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
