// SPDX-License-Identifier: Apache-2.0
// Each node counts where its pages went: as wanted (numa_hit), to who wanted
// another node's (numa_miss there, numa_foreign here), to whose CPU, in turns.
#include <algorithm>
#include <cstdio>

#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 2000;
constexpr std::int64_t kBesides = 200;  // page tables, and what others take
constexpr Bytes kBeyond = 24_MiB;
constexpr int kTimes = 3;

constexpr const char* kCounters[] = {"numa_hit",     "numa_miss",
                                     "numa_foreign", "local_node",
                                     "other_node",   "interleave_hit"};
constexpr int kNodes = 2;
enum Counter { kHit, kMiss, kForeign, kLocal, kOther, kInTurns };

struct Counts {
  std::int64_t of[kNodes][std::size(kCounters)] = {};
};

Counts Read() {
  RefreshVmstat();
  Counts counts;
  for (int node = 0; node < kNodes; ++node) {
    char path[64];
    std::snprintf(path, sizeof path, "/sys/devices/system/node/node%d/numastat",
                  node);
    for (std::size_t i = 0; i < std::size(kCounters); ++i) {
      counts.of[node][i] = FieldIn(path, kCounters[i]);
    }
  }
  return counts;
}

// What one writing of a range under a policy counts, and where its pages are.
Counts Write(Trace& trace, int mode, unsigned long nodes, Bytes size,
             std::int64_t (&pages)[kNodes]) {
  const Range range = MapAnonymous(trace, size);
  if (mode != MPOL_DEFAULT && BindRange(range, mode, nodes) != 0) {
    trace.Stop("mbind", errno);
  }
  Read();
  const Counts before = Read();
  WritePages(trace, range);
  Counts grown = Read();
  for (int node = 0; node < kNodes; ++node) {
    for (std::size_t i = 0; i < std::size(kCounters); ++i) {
      grown.of[node][i] -= before.of[node][i];
    }
    pages[node] = PagesOnNode(range, node);
  }
  Unmap(trace, range);
  if (mode != MPOL_PREFERRED) return grown;
  // How much fits differs each time: what counts is what they are beside that.
  for (const int counter : {kHit, kOther}) grown.of[1][counter] -= pages[1];
  for (const int counter : {kMiss, kLocal}) grown.of[0][counter] -= pages[0];
  grown.of[1][kForeign] -= pages[0];
  return grown;
}

// Leaves "<step>.<counter>.<node>": the least of a few times. Who reads the
// counters on another CPU meanwhile may have some counted twice
// (__count_numa_events adds without a lock), never one less.
void Step(Trace& trace, const char* step, int mode, unsigned long nodes,
          Bytes size) {
  std::int64_t pages[kNodes];
  Counts least = Write(trace, mode, nodes, size, pages);
  for (int i = 1; i < kTimes; ++i) {
    const Counts again = Write(trace, mode, nodes, size, pages);
    for (int node = 0; node < kNodes; ++node) {
      for (std::size_t j = 0; j < std::size(kCounters); ++j) {
        least.of[node][j] = std::min(least.of[node][j], again.of[node][j]);
      }
    }
  }
  char name[48];
  for (int node = 0; node < kNodes; ++node) {
    for (std::size_t i = 0; i < std::size(kCounters); ++i) {
      std::snprintf(name, sizeof name, "%s.%s.%d", step, kCounters[i], node);
      trace.Set(name, least.of[node][i]);
    }
    std::snprintf(name, sizeof name, "%s.pages.%d", step, node);
    trace.Set(name, pages[node]);
  }
}

void Subject(Trace& trace, const Params&, const Facts&) {
  RunOnCpu(trace, 0);
  Step(trace, "own", MPOL_DEFAULT, 0, kPages * kPage);
  Step(trace, "bound", MPOL_BIND, kNode1, kPages * kPage);
  Step(trace, "turns", MPOL_INTERLEAVE, kBoth, kPages * kPage);
  Step(trace, "full", MPOL_PREFERRED, kNode1,
       NodeMeminfo(1, "MemFree") + kBeyond);
}

// The counters of one step: hit, miss, foreign, local, other, in turns; each of
// both nodes, and the least that each must be.
Oracle Of(const std::string& step,
          const std::int64_t (&least)[std::size(kCounters)][kNodes]) {
  Oracle all = Survives();
  for (std::size_t i = 0; i < std::size(kCounters); ++i) {
    for (int node = 0; node < kNodes; ++node) {
      all = AllOf(all,
                  Count(step + "." + kCounters[i] + "." + std::to_string(node),
                        Between(least[i][node], least[i][node] + kBesides)));
    }
  }
  return all;
}

Oracle Expect(const Params&, const Facts& f) {
  constexpr std::int64_t kHalf = kPages / 2;
  const auto pages = [](const std::string& step, std::int64_t node0,
                        std::int64_t node1) {
    return AllOf(Count(step + ".pages.0", Eq(node0)),
                 Count(step + ".pages.1", Eq(node1)));
  };
  // A table for each 2 MiB that node 1 has.
  const std::int64_t besides = kBesides + f.ram / kHugePage;
  const auto beside = [&](const char* counter) {
    return Count(counter, Between(-besides, besides));
  };
  return AllOf(
      AllOf(Of("own", {{kPages, 0}, {}, {}, {kPages, 0}, {}, {}}),
            pages("own", kPages, 0)),
      AllOf(Of("bound", {{0, kPages}, {}, {}, {}, {0, kPages}, {}}),
            pages("bound", 0, kPages)),
      AllOf(
          Of("turns",
             {{kHalf, kHalf}, {}, {}, {kHalf, 0}, {0, kHalf}, {kHalf, kHalf}}),
          pages("turns", kHalf, kHalf)),
      AllOf(Count("full.pages.0", Gt(0)), beside("full.numa_miss.0"),
            beside("full.numa_foreign.1"), beside("full.local_node.0"),
            beside("full.numa_hit.1"), beside("full.other_node.1"),
            beside("full.numa_miss.1"), beside("full.numa_foreign.0"),
            beside("full.numa_hit.0")));
}

const Register kNumastat{
    {.id = "numa/numastat",
     .summary = "each node counts hits, misses and what was wanted of it",
     .explains =
         {.claim = "Seed 1 (NUMA, memory observation); admin-guide/numastat",
          .deed = "from CPU 0 writes 2000 pages by default, bound to node 1, "
                  "in turns; then more than node 1 has, preferring it",
          .functions = "zone_statistics, alloc_page_interleave, "
                       "fold_vm_numa_events",
          .look_at = "<step>.<counter>.<node> is what the counter grew by; "
                     "of full, beside the pages that are there"},
     .needs = TwoNodes(),
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::numa
