// SPDX-License-Identifier: Apache-2.0
// The policy of shared memory is the file's, page by page: whoever touches it,
// from whatever mapping, gets the page where the range's policy says.
#include <cstdio>

#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 500;
constexpr int kTries = 5;
constexpr std::int64_t kPart = 100;  // as many again are bound, after it
constexpr Bytes kSize = kPages * kPage;

void Measure(Trace& trace, const Range& range, const char* node0,
             const char* node1) {
  trace.Set(node0, PagesOnNode(range, 0));
  trace.Set(node1, PagesOnNode(range, 1));
}

Range Shared(Trace& trace, int file) {
  return MapFile(trace, file, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
}

int NewFile(Trace& trace) {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  if (file < 0 || ftruncate(file, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  return file;
}

void Anonymous(Trace& trace) {
  MapOptions options;
  options.flags = MAP_SHARED | MAP_ANONYMOUS;
  const Range range = MapAnonymous(trace, kSize, options);
  trace.Set("anonymous.errno", BindRange(range, MPOL_BIND, kNode1));
  WritePages(trace, range);
  Measure(trace, range, "anonymous.node0", "anonymous.node1");
  Unmap(trace, range);
}

void InTurns(Trace& trace) {
  const int file = NewFile(trace);
  const Range range = Shared(trace, file);
  trace.Set("turns.errno", BindRange(range, MPOL_INTERLEAVE, kBoth));
  WritePages(trace, range);
  Measure(trace, range, "turns.node0", "turns.node1");
  Unmap(trace, range);
  close(file);
}

// A part is bound; another process touches all of it, by a mapping of its own.
void Part(Trace& trace) {
  const int file = NewFile(trace);
  const Range bound = Shared(trace, file);
  trace.Set("part.errno", BindRange(bound.Part(kPart * kPage, kPart * kPage),
                                    MPOL_BIND, kNode1));
  Unmap(trace, bound);
  const pid_t child = StartChild(trace, [&] {
    const Range own = Shared(trace, file);
    WritePages(trace, own);
    Measure(trace, own, "part.node0", "part.node1");
    const auto where = [&](std::int64_t page) {
      return Where(own.start + page * kPage.count);
    };
    trace.Set("part.before_it", where(kPart - 1));
    trace.Set("part.first", where(kPart));
    trace.Set("part.last", where(2 * kPart - 1));
    trace.Set("part.after_it", where(2 * kPart));
  });
  trace.Set("part.child", Reap(child));
  close(file);
}

// Where the file has none, the policy of who touches it counts.
void OfTheProcess(Trace& trace) {
  const int file = NewFile(trace);
  const Range range = Shared(trace, file);
  trace.Set("process.errno", SetPolicy(MPOL_BIND, kNode1));
  WritePages(trace, range);
  SetPolicy(MPOL_DEFAULT, 0);
  Measure(trace, range, "process.node0", "process.node1");
  Unmap(trace, range);
  close(file);
}

// By how much a node has more shared memory.
std::int64_t ShmemOf(int node) {
  RefreshVmstat();
  char path[64];
  std::snprintf(path, sizeof path, "/sys/devices/system/node/node%d/vmstat",
                node);
  return FieldIn(path, "nr_shmem");
}

// Moved, they count where they are.
void Moved(Trace& trace) {
  const int file = NewFile(trace);
  const Range range = Shared(trace, file);
  WritePages(trace, range);
  const std::int64_t from = ShmemOf(0);
  const std::int64_t to = ShmemOf(1);
  // A page that somebody looks at in that moment stays: once more.
  for (int i = 0; i < kTries && PagesOnNode(range, 1) < kPages; ++i) {
    MovePages<kPages>(range, kPages, 1);
  }
  Measure(trace, range, "moved.node0", "moved.node1");
  trace.Set("moved.shmem0", from - ShmemOf(0));
  trace.Set("moved.shmem1", ShmemOf(1) - to);
  Unmap(trace, range);
  close(file);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  RunOnCpu(trace, 0);
  Anonymous(trace);
  InTurns(trace);
  Part(trace);
  OfTheProcess(trace);
  Moved(trace);
}

Oracle On(const std::string& name, std::int64_t node0, std::int64_t node1) {
  return AllOf(Count(name + ".node0", Eq(node0)),
               Count(name + ".node1", Eq(node1)));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("anonymous.errno", Eq(0)),
               On("anonymous", 0, kPages), Count("turns.errno", Eq(0)),
               On("turns", kPages / 2, kPages / 2), Count("part.errno", Eq(0)),
               Count("part.child", Eq(0)), On("part", kPages - kPart, kPart),
               Count("part.before_it", Eq(0)), Count("part.first", Eq(1)),
               Count("part.last", Eq(1)), Count("part.after_it", Eq(0)),
               Count("process.errno", Eq(0)), On("process", 0, kPages),
               On("moved", 0, kPages), Count("moved.shmem0", Eq(kPages)),
               Count("moved.shmem1", Eq(kPages)));
}

const Register kSharedPolicy{
    {.id = "numa/shared_policy",
     .summary = "shared memory comes from where its range is bound to",
     .explains =
         {.claim = "Seed 1 (numactl, shm); Documentation/admin-guide/mm/numa_"
                   "memory_policy: shared policies",
          .deed = "binds shared anonymous memory, a whole memfd and a part of "
                  "one that another process then touches",
          .functions = "shmem_set_policy, mpol_set_shared_policy, "
                       "mpol_shared_policy_lookup, shmem_get_pgoff_policy",
          .look_at = "<what>.node0 and .node1 are its pages by node"},
     .needs = TwoNodes(),
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::numa
