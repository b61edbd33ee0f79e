// SPDX-License-Identifier: Apache-2.0
// In mode 2 the rule is one, whatever asks: the largest of every kind of
// memory reaches CommitLimit, less the reserves and what is committed.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

struct Exact : CommitScene {
  Who who = p["who"] == "admin" ? Who::kAdmin : Who::kUser;
  int exe = Must(trace, "open of the program",
                 open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  Range at = {};
  std::int64_t most = 0;

  // What other CPUs hold back is not seen by the one that asks: a mapping
  // larger than a batch makes each of them tell it.
  void BeginAs() {
    Become(trace, who);
    for (int cpu = f.cpus - 1; cpu >= 0; --cpu) {
      RunOnCpu(trace, cpu);
      if (TryMap(2 * Batch(f) * kPage, kRw, kPrivate) != 0) {
        trace.Stop("mmap of two batches", ENOMEM);
      }
    }
    CountFromHere();
  }
};

// The largest that fits is what the rule says: not a page more or less.
template <typename Fits>
auto Measures(Fits fits) {
  return [=](Exact& s) {
    const std::int64_t room = Room(s.who);
    const std::int64_t largest =
        Largest(4 * room, [&](std::int64_t pages) { return fits(s, pages); });
    s.Set("beyond", largest - room);
  };
}
auto MeasuresMap(int flags) {
  return Measures([=](Exact&, std::int64_t pages) {
    return TryMap(pages * kPage, kRw, flags) == 0;
  });
}
auto MeasuresSegment(int flags) {
  return Measures([=](Exact&, std::int64_t pages) {
    return TrySegment(pages * kPage, flags) == 0;
  });
}
bool FitsFile(Exact& s, std::int64_t pages) {
  return TryMap(pages * kPage, kRw, MAP_PRIVATE, s.exe) == 0;
}
bool FitsHeap(Exact&, std::int64_t pages) { return TryBrkAndBack(pages) == 0; }

// One page that is moved to make it larger: only what it gets more is asked.
bool FitsRemap(Exact& s, std::int64_t pages) {
  return TryRemap(s.at, (1 + pages) * kPage, MREMAP_MAYMOVE) == 0 &&
         TryRemap(s.at, kPage, 0) == 0;
}
bool FitsProtect(Exact& s, std::int64_t pages) {
  const bool done = TryProtect(Part(s.at, 0, pages), kRw) == 0;
  return TryMapOver(s.at, PROT_READ, kPrivate) == 0 && done;
}

Steps<Exact> Make(const Params&, const Facts&) {
  const Oracle exact = Count("beyond", 0);
  const auto map = MeasuresMap(kPrivate);
  return {
      {"begin", &Exact::BeginAs},
      {"map", map, exact},
      {"map, noreserve", MeasuresMap(kPrivate | MAP_NORESERVE), exact},
      {"map a stack", MeasuresMap(kPrivate | MAP_GROWSDOWN), exact},
      {"map, shared", MeasuresMap(kShared), exact},
      {"map, shared noreserve", MeasuresMap(kShared | MAP_NORESERVE), exact},
      {"map a file", Measures(FitsFile), exact},
      {"get a segment", MeasuresSegment(0), exact},
      {"get a segment, noreserve", MeasuresSegment(SHM_NORESERVE), exact},
      {"grow the heap", Measures(FitsHeap), exact},
      {"grow by mremap",
       [](Exact& s) {
         s.at = MapBare(s.trace, kPage, kRw, kPrivate);
         Measures(FitsRemap)(s);
       },
       exact},
      // What is mapped counts for the user's reserve, also where it is not
      // charged: the mapping that is made writable does itself.
      {"make writable",
       [](Exact& s) {
         Unmap(s.trace, s.at);
         s.at = MapBare(s.trace, 4 * Room(s.who) * kPage, PROT_READ, kPrivate);
         Measures(FitsProtect)(s);
       },
       exact},
      {"map beside what is not charged",
       [=](Exact& s) {
         Unmap(s.trace, s.at);
         s.at = MapBare(s.trace, 256_MiB, PROT_READ, kPrivate);
         map(s);
       },
       exact},
      // What is committed is left out.
      {"map beside what is charged",
       [=](Exact& s) {
         Unmap(s.trace, s.at);
         s.most = Room(s.who) * 6 / 10;
         s.at = MapBare(s.trace, s.most * kPage, kRw, kPrivate);
         map(s);
       },
       exact},
      {"map as much a second time",
       [](Exact& s) { return TryMap(s.at.size, kRw, kPrivate); },
       Refused(ENOMEM)},
      // It is not charged twice when another of the same size takes its place.
      Asks<Exact>("map as much over it",
                  [](Exact& s) { return TryMapOver(s.at, kRw, kPrivate); }),
      {"move it over a hole",
       [](Exact& s) {
         const Range hole = MapBare(s.trace, s.at.size, PROT_NONE, kPrivate);
         const int error = TryRemap(s.at, s.at.size,
                                    MREMAP_MAYMOVE | MREMAP_FIXED, hole.start);
         s.Set("moved", s.at.start == hole.start);
         return error;
       },
       Count("moved", 1)},
      {"unmap it", [](Exact& s) { return TryUnmap(s.at); },
       Is("left", &Exact::Left, 0)},
  };
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.cpus = static_cast<int>(p.Number("cpus"));
}

const Register kNeverMaxMapExact{
    {.id = "overcommit/never_max_map_exact",
     .summary = "mode 2: the largest of every kind of memory, to the page",
     .claim = "overcommit.never.max_map_exact, .noreserve_ignored, "
              ".map_fixed_replace; seed 2's \"total RAM + CommitLimit\" is "
              "wrong: the limit is CommitLimit",
     .functions = "__vm_enough_memory, security_vm_enough_memory_mm",
     .look_at = "beyond: pages that the kernel allowed beyond the rule; one "
                "kind that is off says which caller, all say that the rule is",
     .needs = {.alone = true, .settings = {kVmKnobs.With(kMode, "2")}},
     .adjust = Adjust,
     .params = {{"who", {"admin", "user"}}, {"cpus", {"1", "2"}}},
     .steps = Make,
     .metrics = {{.name = "private",
                  .better = Better::kLower,
                  .unit = "pages",
                  .value = "map.beyond"}}}};

}  // namespace
}  // namespace oomgate
