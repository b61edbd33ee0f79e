// SPDX-License-Identifier: Apache-2.0
// Mode 0 refuses what is writable and private, or shared, beyond RAM + swap;
// what is only read, or mapped with MAP_NORESERVE, it never refuses.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

struct Kind {
  const char* name;
  int prot;
  int flags;  // without MAP_ANONYMOUS: of the program's file
  bool checked;
  bool accounted;  // the mapping itself, not the object behind it
};
constexpr Kind kKinds[] = {
    {"rw", kRw, kPrivate, true, true},
    {"w", PROT_WRITE, kPrivate, true, true},
    {"rw, noreserve", kRw, kPrivate | MAP_NORESERVE, false, false},
    {"r", PROT_READ, kPrivate, false, false},
    {"r, noreserve", PROT_READ, kPrivate | MAP_NORESERVE, false, false},
    {"no access", PROT_NONE, kPrivate, false, false},
    {"shared rw", kRw, kShared, true, false},
    {"shared r", PROT_READ, kShared, true, false},
    {"shared, noreserve", kRw, kShared | MAP_NORESERVE, false, false},
    {"growsdown", kRw, kPrivate | MAP_GROWSDOWN, true, true},
    {"stack", kRw, kPrivate | MAP_STACK, true, true},
    {"file rw", kRw, MAP_PRIVATE, true, true},
    {"file r", PROT_READ, MAP_PRIVATE, false, false},
    {"file shared r", PROT_READ, MAP_SHARED, false, false}};

struct Maps : Scene {
  int exe = Must(trace, "the program", open("/proc/self/exe", O_RDONLY));
  Range page = {};
};

auto MapsAPage(const Kind& kind, Bytes size) {
  return [&kind, size](Maps& s) {
    const int fd = (kind.flags & MAP_ANONYMOUS) != 0 ? -1 : s.exe;
    s.Set("limit errno", TryMap(size, kind.prot, kind.flags, fd));
    s.Set("over errno", TryMap(size + kPage, kind.prot, kind.flags, fd));
    s.page = MapAnonymous(s.trace, kPage);  // apart from its neighbours
    MapOver(s.trace, s.page, kind.prot, kind.flags, fd);
  };
}
auto Has(const char* flag) {
  return [=](Maps& s) { return MappingHasFlag(s.page, flag); };
}
auto AsksForSegment(Bytes size, int flags = 0) {
  return [=] { return TrySegment(size, flags); };
}

Steps<Maps> Make(const Params&, const Facts& f) {
  const Bytes limit = f.ram + f.swap;
  Steps<Maps> steps;
  for (const Kind& kind : kKinds) {
    steps.push_back({kind.name, MapsAPage(kind, limit), Count("limit errno", 0),
                     Count("over errno", kind.checked ? ENOMEM : 0),
                     Is("ac", Has("ac"), kind.accounted),
                     Is("nr", Has("nr"), (kind.flags & MAP_NORESERVE) != 0)});
  }
  return steps +
         Steps<Maps>{Asks<Maps>("get a segment", AsksForSegment(limit)),
                     {"get a segment, a page more",
                      AsksForSegment(limit + kPage), Refused(ENOMEM)},
                     Asks<Maps>("get it, noreserve",
                                AsksForSegment(limit + kPage, SHM_NORESERVE))};
}

const Register kHeuristicFlagsMatrix{
    {.id = "overcommit/heuristic_flags_matrix",
     .summary = "mode 0: what is checked against RAM + swap, and what is not",
     .claim = "Seeds 1 and 2: flags, heuristic; mmap(2), MAP_NORESERVE",
     .functions = "accountable_mapping, do_mmap, shmem_acct_size",
     .suite = Suite::kQuick,
     .needs = {.settings = {kVmKnobs.With(kMode, "0")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
