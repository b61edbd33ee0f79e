// SPDX-License-Identifier: Apache-2.0
// Each node counts where its pages went: as wanted (numa_hit), to who wanted
// another node's (numa_miss there, numa_foreign here), to whose CPU, in turns.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 2000;
constexpr std::int64_t kBesides = 200;  // page tables, and what others take
constexpr Bytes kBeyond = 24_MiB;
constexpr int kTimes = 3;

constexpr int kNodes = 2;
constexpr KernelFolder kFolders[kNodes] = {
    KernelFolder("/sys/devices/system/node/node0"),
    KernelFolder("/sys/devices/system/node/node1")};
constexpr const char* kCounters[] = {"numa_hit",     "numa_miss",
                                     "numa_foreign", "local_node",
                                     "other_node",   "interleave_hit"};
enum Counter { kHit, kMiss, kForeign, kLocal, kOther, kInTurns, kCount };

// By counter and node; pages by node.
struct Counts {
  std::int64_t of[kCount][kNodes] = {};
  std::int64_t pages[kNodes] = {};

  template <typename Do>
  void Each(Do change) {
    for (int i = 0; i < kCount; ++i) {
      for (int node = 0; node < kNodes; ++node) change(of[i][node], i, node);
    }
  }
};

Counts Read() {
  RefreshVmstat();
  Counts counts;
  counts.Each([](std::int64_t& count, int i, int node) {
    count = kFolders[node].Field("numastat", kCounters[i]);
  });
  return counts;
}

// What one writing of a range under a policy counts, and where its pages are.
Counts WriteOnce(Trace& trace, int mode, unsigned long nodes, Bytes size) {
  const Range range = MapAnonymous(trace, size);
  const int error = BindRange(range, mode, nodes);
  if (error != 0) trace.Stop("mbind", error);
  Read();
  const Counts before = Read();
  WritePages(trace, range);
  Counts grown = Read();
  grown.Each([&](std::int64_t& count, int i, int node) {
    count -= before.of[i][node];
  });
  for (int node = 0; node < kNodes; ++node) {
    grown.pages[node] = PagesOnNode(range, node);
  }
  Unmap(trace, range);
  if (mode != MPOL_PREFERRED) return grown;
  // How much fits differs each time: what counts is what they are beside that.
  for (const int counter : {kHit, kOther}) {
    grown.of[counter][1] -= grown.pages[1];
  }
  for (const int counter : {kMiss, kLocal}) {
    grown.of[counter][0] -= grown.pages[0];
  }
  grown.of[kForeign][1] -= grown.pages[0];
  return grown;
}

struct Numastat : Scene {
  Counts grown = {};

  // The least of a few times. Who reads the counters on another CPU meanwhile
  // may have some counted twice (__count_numa_events adds without a lock),
  // never one less.
  void Write(int mode, unsigned long nodes, Bytes size = kPages * kPage) {
    RunOnCpu(trace, 0);
    grown = WriteOnce(trace, mode, nodes, size);
    for (int i = 1; i < kTimes; ++i) {
      Counts again = WriteOnce(trace, mode, nodes, size);
      again.Each([&](std::int64_t& count, int counter, int node) {
        count = std::min(count, grown.of[counter][node]);
      });
      grown = again;
    }
  }
};

// What the counters grew by: hit, miss, foreign, local, other, in turns, each
// of both nodes; and from `lo` to `hi` more.
Row<Numastat> Grown(const std::int64_t (&by)[kCount][kNodes],
                    std::int64_t lo = 0, std::int64_t hi = kBesides) {
  Rows<Numastat> rows;
  for (int i = 0; i < kCount; ++i) {
    for (int node = 0; node < kNodes; ++node) {
      rows.push_back({std::string(kCounters[i]) + "." + std::to_string(node),
                      [=](const Numastat& s) { return s.grown.of[i][node]; },
                      Between(by[i][node] + lo, by[i][node] + hi)});
    }
  }
  return rows;
}
Row<Numastat> Pages(testing::Matcher<std::int64_t> node0,
                    testing::Matcher<std::int64_t> node1) {
  const auto on = [](int node) {
    return [=](const Numastat& s) { return s.grown.pages[node]; };
  };
  return Rows<Numastat>{{"pages.0", on(0), node0}, {"pages.1", on(1), node1}};
}

Steps<Numastat> Make(const Params&, const Facts& f) {
  constexpr std::int64_t kHalf = kPages / 2;
  // A table for each 2 MiB that node 1 has.
  const std::int64_t tables = kBesides + f.ram / kHugePage;
  return {
      {"write on CPU 0",
       [](Numastat& s) { s.Write(MPOL_DEFAULT, 0); },
       {Pages(kPages, 0), Grown({{kPages, 0}, {}, {}, {kPages, 0}, {}, {}})}},
      {"write, bound to node 1",
       [](Numastat& s) { s.Write(MPOL_BIND, kNode1); },
       {Pages(0, kPages), Grown({{0, kPages}, {}, {}, {}, {0, kPages}, {}})}},
      {"write in turns",
       [](Numastat& s) { s.Write(MPOL_INTERLEAVE, kBoth); },
       {Pages(kHalf, kHalf),
        Grown(
            {{kHalf, kHalf}, {}, {}, {kHalf, 0}, {0, kHalf}, {kHalf, kHalf}})}},
      {"write more than the preferred node 1 has",
       [](Numastat& s) {
         s.Write(MPOL_PREFERRED, kNode1, NodeMeminfo(1, "MemFree") + kBeyond);
       },
       {Pages(Gt(0), Gt(0)), Grown({}, -tables, tables)}},
  };
}

const Register kNumastat{
    {.id = "numa/numastat",
     .summary = "each node counts hits, misses and what was wanted of it",
     .claim = "Seed 1 (NUMA, memory observation); admin-guide/numastat",
     .functions = "zone_statistics, alloc_page_interleave, fold_vm_numa_events",
     .look_at = "<counter>.<node> is what the counter grew by; of the last "
                "step, beside the pages that are there",
     .needs = TwoNodes(),
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
