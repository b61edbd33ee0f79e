// SPDX-License-Identifier: Apache-2.0
// The policy of shared memory is the file's, page by page: whoever touches it,
// from whatever mapping, gets the page where the range's policy says.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 500;
constexpr Bytes kSize = kPages * kPage;
constexpr std::int64_t kBound = 100;
constexpr Bytes kPart = kBound * kPage;  // as much again is bound, after it

Range Shared(Trace& trace, int file) {
  return MapFile(trace, file, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
}
// Maps a new file, which lives as long as it is mapped.
Range NewShared(const Placing& s) {
  const int file = MakeMemfd(s.trace, kSize);
  const Range range = Shared(s.trace, file);
  close(file);
  return range;
}

Range NewAnonymous(const Placing& s) {
  RunOnCpu(s.trace, 0);
  return MapAnonymous(s.trace, kSize, {.flags = MAP_SHARED | MAP_ANONYMOUS});
}
auto WritesBound(Range (*map)(const Placing&), int mode, unsigned long nodes) {
  return [=](Placing& s) { return s.WriteBound(map(s), mode, nodes); };
}

// A part is bound; another process touches all of it, by a mapping of its own.
int BindPart(Placing& s) {
  const int file = MakeMemfd(s.trace, kSize);
  const Range bound = Shared(s.trace, file);
  const int error = BindRange(bound.Part(kPart, kPart), MPOL_BIND, kNode1);
  Unmap(s.trace, bound);
  const int status = RunChild(s.trace, [&] {
    const Range own = Shared(s.trace, file);
    WritePages(s.trace, own);
    s.Set("node0", PagesOnNode(own, 0));
    s.Set("node1", PagesOnNode(own, 1));
    const char* const first = own.start + kPart.count;
    const char* const last = first + (kPart - kPage).count;
    s.Set("before it", Where(first - kPage.count));
    s.Set("its first", Where(first));
    s.Set("its last", Where(last));
    s.Set("after it", Where(last + kPage.count));
  });
  s.Set("child", status);
  close(file);
  return error;
}

// Shared memory, by the counter of a node.
auto ShmemOn(const char* node) {
  constexpr KernelFolder kNodes("/sys/devices/system/node");
  return [=] {
    RefreshVmstat();
    return kNodes.Field(node, "nr_shmem");
  };
}

Steps<Placing> Make(const Params&, const Facts&) {
  return {
      {"write shared pages bound to node 1",
       WritesBound(NewAnonymous, MPOL_BIND, kNode1), ByNode(0, kPages)},
      {"write a memfd in turns", WritesBound(NewShared, MPOL_INTERLEAVE, kBoth),
       ByNode(kPages / 2, kPages / 2)},
      {"bind a part of one, write in a child", BindPart, Count("child", 0),
       Count("node0", kPages - kBound), Count("node1", kBound),
       Count("before it", 0), Count("its first", 1), Count("its last", 1),
       Count("after it", 0)},
      // Where the file has none, the policy of who touches it counts.
      {"write one, the process bound to node 1",
       [](Placing& s) { return s.WriteUnder(NewShared(s), MPOL_BIND, kNode1); },
       ByNode(0, kPages)},
      {"write one without a policy",
       [](Placing& s) { WritePages(s.trace, s.Renew(NewShared(s))); },
       ByNode(kPages, 0)},
      // Moved, they count where they are.
      {"move it to node 1", [](Placing& s) { MoveAll(s.range, 1); },
       ByNode(0, kPages), Change("shmem0", ShmemOn("node0/vmstat"), -kPages),
       Change("shmem1", ShmemOn("node1/vmstat"), kPages)}};
}

const Register kSharedPolicy{
    {.id = "numa/shared_policy",
     .summary = "shared memory comes from where its range is bound to",
     .claim = "Seed 1 (numactl, shm); admin-guide/mm/numa_memory_policy",
     .functions = "shmem_set_policy, mpol_shared_policy_lookup",
     .needs = TwoNodes(),
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
