// SPDX-License-Identifier: Apache-2.0
// vm.max_map_count is exact: each call that makes mappings, or may have to, is
// refused where there are as many spare ones as it asks for but one.
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr const char* kMaxMaps = "/proc/sys/vm/max_map_count";
constexpr const char* kDefault = "65530";
constexpr std::int64_t kPages = 9;
constexpr int kMostSpare = 12;
constexpr int kFill = 40;

int Of(bool done) { return done ? 0 : errno; }

int Maps() {
  // Not the one that the kernel shows above the address space.
  return ReadMapping({.start = nullptr, .size = 128_TiB}).mappings;
}

// `more` than there are.
void Allow(Trace& trace, int more) {
  char text[16];
  std::snprintf(text, sizeof text, "%d", Maps() + more);
  WriteKnob(trace, kMaxMaps, text);
}

// What the deeds work on: a mapping of kPages, and free places.
struct Place {
  char* at;
  char* elsewhere;
};

struct Deed {
  const char* name;
  int spare;  // the fewest with which it is done
  int (*run)(Place&);
};
constexpr Deed kDeeds[] = {
    {"map", 0, [](Place&) { return TryMap(kPage, kRw, kPrivate); }},
    {"brk", 0,
     [](Place&) {
       const long now = syscall(SYS_brk, 0);
       const bool grown = syscall(SYS_brk, now + 4096) == now + 4096;
       syscall(SYS_brk, now);
       return grown ? 0 : ENOMEM;
     }},
    {"unmap_end", -1, [](Place& p) { return Of(munmap(p.at, 4096) == 0); }},
    {"unmap_middle", 1,
     [](Place& p) { return Of(munmap(p.at + 4096, 4096) == 0); }},
    {"protect_end", 1,
     [](Place& p) { return Of(mprotect(p.at, 4096, PROT_READ) == 0); }},
    {"protect_middle", 2,
     [](Place& p) { return Of(mprotect(p.at + 4096, 4096, PROT_READ) == 0); }},
    {"advise_middle", 2,
     [](Place& p) {
       return Of(madvise(p.at + 4096, 4096, MADV_DONTFORK) == 0);
     }},
    // Three are kept for what unmapping the old place may need.
    {"move", 4,
     [](Place& p) {
       return Of(mremap(p.at, Pages(kPages), Pages(kPages + 1),
                        MREMAP_MAYMOVE) != MAP_FAILED);
     }},
    // And two more, as what is at either place may be split; until "mm/mremap:
    // correct invalid map count check" (7.1).
    {"move_fixed", 6,
     [](Place& p) {
       return Of(mremap(p.at, Pages(kPages), Pages(kPages),
                        MREMAP_MAYMOVE | MREMAP_FIXED,
                        p.elsewhere) != MAP_FAILED);
     }},
};

// The fewest spare mappings with which the deed is done.
int FewestSpare(Trace& trace, const Deed& deed, int& refused) {
  for (int spare = -1; spare <= kMostSpare; ++spare) {
    const Range hole = MapAnonymous(
        trace, 64 * kPage,
        {.prot = PROT_NONE, .align = kPage, .pages = MapOptions::kDefault});
    Place place{.at = hole.start + Pages(8),
                .elsewhere = hole.start + Pages(40)};
    if (mmap(place.at, Pages(kPages), kRw, kPrivate | MAP_FIXED, -1, 0) ==
        MAP_FAILED) {
      trace.Stop("mmap", errno);
    }
    Allow(trace, spare);
    const int error = deed.run(place);
    WriteKnob(trace, kMaxMaps, kDefault);
    Unmap(trace, hole);
    if (error == 0) return spare;
    refused = error;
  }
  return kMostSpare + 1;
}

const char* Name(char (&name)[48], const char* deed, const char* what) {
  std::snprintf(name, sizeof name, "%s_%s", deed, what);
  return name;
}

// Of different protection, so that none merge.
int Fill(Trace& trace) {
  char* places[kFill];
  Allow(trace, 10);
  int made = 0;
  for (; made < kFill; ++made) {
    void* const at =
        mmap(nullptr, 4096, made % 2 == 0 ? kRw : PROT_READ, kPrivate, -1, 0);
    if (at == MAP_FAILED) break;
    places[made] = static_cast<char*>(at);
  }
  WriteKnob(trace, kMaxMaps, kDefault);
  for (int i = 0; i < made; ++i) munmap(places[i], 4096);
  return made;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  char name[48];
  for (const Deed& deed : kDeeds) {
    int refused = 0;
    trace.Set(Name(name, deed.name, "spare"),
              FewestSpare(trace, deed, refused));
    trace.Set(Name(name, deed.name, "refused"), refused);
  }
  trace.Set("filled", Fill(trace));
}

Oracle Expect(const Params&, const Facts& f) {
  char name[48];
  std::vector<Oracle> all = {Survives(), Count("filled", Eq(11))};
  for (const Deed& deed : kDeeds) {
    const bool less = deed.spare == 6 && f.kernel >= KernelVersion{7, 1};
    all.push_back(
        Count(Name(name, deed.name, "spare"), Eq(less ? 4 : deed.spare)));
    // madvise once said EAGAIN.
    all.push_back(Count(Name(name, deed.name, "refused"),
                        deed.spare < 0 ? testing::Matcher<std::int64_t>(Eq(0))
                                       : testing::Matcher<std::int64_t>(
                                             AnyOf(ENOMEM, EAGAIN))));
  }
  return AllOf(all);
}

const Register kMaxMapCount{
    {.id = "overcommit/max_map_count",
     .summary = "vm.max_map_count is exact for each call that makes mappings",
     .explains =
         {.claim = "Seed 2: what else may say \"Cannot allocate memory\"; "
                   "Documentation/admin-guide/sysctl/vm: max_map_count",
          .deed =
              "lets ever more mappings be there until mmap, brk, munmap, "
              "mprotect, madvise and mremap are done; fills up what is left",
          .functions = "do_mmap, do_brk_flags, split_vma, do_munmap, move_vma, "
                       "mremap_to",
          .look_at = "…_spare is how many more than there are must be allowed, "
                     "-1 one less; …_refused is the errno before"},
     .blast = Blast::kMachine,
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
