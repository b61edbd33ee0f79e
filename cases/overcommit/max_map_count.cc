// SPDX-License-Identifier: Apache-2.0
// vm.max_map_count is exact: each call that makes mappings, or may have to, is
// refused where there are as many spare ones as it asks for but one.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 9;
constexpr int kMostSpare = 12;
constexpr int kFill = 40;

// `more` than there are.
void Allow(Trace& trace, int more) {
  kVmKnobs.Set(trace, kMaxMaps, ReadMapping(kAllMappings).mappings + more);
}
void AllowDefault(Trace& trace) { kVmKnobs.Set(trace, kMaxMaps, 65530); }

// What the deeds work on: a mapping of kPages, and a free place.
struct Place {
  Range at;
  char* elsewhere;
  Range Second() const { return Part(at, 1, 1); }
};

struct Deed {
  const char* name;
  int spare;  // the fewest with which it is done
  int (*run)(Place&);
};
constexpr Deed kDeeds[] = {
    {"map", 0, [](Place&) { return TryMap(kPage, kRw, kPrivate); }},
    {"grow the heap", 0, [](Place&) { return TryBrkAndBack(1); }},
    {"unmap the end", -1, [](Place& p) { return TryUnmap(Part(p.at, 0, 1)); }},
    {"unmap in the middle", 1, [](Place& p) { return TryUnmap(p.Second()); }},
    {"protect the end", 1,
     [](Place& p) { return TryProtect(Part(p.at, 0, 1), PROT_READ); }},
    {"protect in the middle", 2,
     [](Place& p) { return TryProtect(p.Second(), PROT_READ); }},
    {"advise in the middle", 2,
     [](Place& p) { return TryAdvise(p.Second(), MADV_DONTFORK); }},
    // Three are kept for what unmapping the old place may need.
    {"move", 4,
     [](Place& p) {
       return TryRemap(p.at, (kPages + 1) * kPage, MREMAP_MAYMOVE);
     }},
    // And two more, as what is at either place may be split; until "mm/mremap:
    // correct invalid map count check" (7.1).
    {"move to a fixed place", 6,
     [](Place& p) {
       return TryRemap(p.at, kPages * kPage, MREMAP_MAYMOVE | MREMAP_FIXED,
                       p.elsewhere);
     }},
};

// Finds the fewest spare mappings with which the deed is done.
void Try(Trace& trace, const Deed& deed) {
  int refused = 0;
  int spare = -1;
  for (; spare <= kMostSpare; ++spare) {
    const Range hole = MapAnonymous(
        trace, 64 * kPage,
        {.prot = PROT_NONE, .align = kPage, .pages = MapOptions::kDefault});
    Place place{.at = Part(hole, 8, kPages),
                .elsewhere = Part(hole, 40, 1).start};
    MapOver(trace, place.at, kRw, kPrivate);
    Allow(trace, spare);
    const int error = deed.run(place);
    AllowDefault(trace);
    Unmap(trace, hole);
    if (error == 0) break;
    refused = error;
  }
  trace.Set("fewest spare", spare);
  trace.Set("before", refused);
}

// Of different protection, so that none merge.
void Fill(Scene& s) {
  void* places[kFill];
  Allow(s.trace, 10);
  int made = 0;
  for (; made < kFill; ++made) {
    places[made] = mmap(nullptr, Pages(1), made % 2 == 0 ? kRw : PROT_READ,
                        kPrivate, -1, 0);
    if (places[made] == MAP_FAILED) break;
  }
  AllowDefault(s.trace);
  for (int i = 0; i < made; ++i) munmap(places[i], Pages(1));
  s.Set("made", made);
}

Steps<Scene> Make(const Params&, const Facts& f) {
  Steps<Scene> steps;
  for (const Deed& deed : kDeeds) {
    const bool less = deed.spare == 6 && f.kernel >= KernelVersion{7, 1};
    const testing::Matcher<std::int64_t> none = 0;
    // madvise once said EAGAIN.
    steps.push_back(
        {deed.name, [&deed](Scene& s) { Try(s.trace, deed); },
         Count("fewest spare", less ? 4 : deed.spare),
         Count("before", deed.spare < 0 ? none : AnyOf(ENOMEM, EAGAIN))});
  }
  steps.push_back({"fill what is left for ten more", Fill, Count("made", 11)});
  return steps;
}

const Register kMaxMapCount{
    {.id = "overcommit/max_map_count",
     .summary = "vm.max_map_count is exact for each call that makes mappings",
     .claim = "Seed 2: what else may say \"Cannot allocate memory\"; "
              "Documentation/admin-guide/sysctl/vm: max_map_count",
     .functions =
         "do_mmap, do_brk_flags, split_vma, do_munmap, move_vma, mremap_to",
     .look_at = "fewest spare: how many more than there are must be allowed, "
                "-1 one less; before: the errno with one less",
     .blast = Blast::kMachine,
     .needs = {.alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
