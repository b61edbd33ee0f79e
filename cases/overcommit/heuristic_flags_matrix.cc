// SPDX-License-Identifier: Apache-2.0
// Mode 0 refuses what is writable and private, or shared, beyond RAM + swap;
// what is only read, or mapped with MAP_NORESERVE, it never refuses.
#include <sys/ipc.h>
#include <sys/shm.h>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

struct Kind {
  const char* name;
  int prot;
  int flags;  // without MAP_ANONYMOUS: of the program's file
  bool checked;
  bool accounted;  // the mapping itself, not the object behind it
  bool noreserve;
};
constexpr Kind kKinds[] = {
    {"rw", kRw, kPrivate, true, true, false},
    {"w", PROT_WRITE, kPrivate, true, true, false},
    {"rw, noreserve", kRw, kPrivate | MAP_NORESERVE, false, false, true},
    {"r", PROT_READ, kPrivate, false, false, false},
    {"r, noreserve", PROT_READ, kPrivate | MAP_NORESERVE, false, false, true},
    {"no access", PROT_NONE, kPrivate, false, false, false},
    {"shared rw", kRw, kShared, true, false, false},
    {"shared r", PROT_READ, kShared, true, false, false},
    {"shared, noreserve", kRw, kShared | MAP_NORESERVE, false, false, true},
    {"growsdown", kRw, kPrivate | MAP_GROWSDOWN, true, true, false},
    {"stack", kRw, kPrivate | MAP_STACK, true, true, false},
    {"file rw", kRw, MAP_PRIVATE, true, true, false},
    {"file r", PROT_READ, MAP_PRIVATE, false, false, false},
    {"file shared r", PROT_READ, MAP_SHARED, false, false, false}};

struct Maps : Scene {
  int exe = Must(trace, "open of the program",
                 open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  Range page = {};
};

auto MapsAPage(const Kind& kind, Bytes size) {
  return [&kind, size](Maps& s) {
    const int fd = (kind.flags & MAP_ANONYMOUS) != 0 ? -1 : s.exe;
    s.Set("limit errno", TryMap(size, kind.prot, kind.flags, fd));
    s.Set("over errno", TryMap(size + kPage, kind.prot, kind.flags, fd));
    // Apart from its neighbours.
    const Range hole =
        MapBare(s.trace, 3 * kPage, PROT_NONE, kPrivate | MAP_NORESERVE);
    s.page = Part(hole, 1, 1);
    MapOver(s.trace, s.page, kind.prot, kind.flags, fd);
  };
}
auto Has(const char* flag) {
  return [=](Maps& s) { return MappingHasFlag(s.page, flag); };
}

// A segment of that size.
auto AsksForSegment(Bytes size, int flags) {
  return [=] {
    const int id = shmget(IPC_PRIVATE, Length(size), IPC_CREAT | 0600 | flags);
    if (id >= 0) shmctl(id, IPC_RMID, nullptr);
    return ErrnoOf(id);
  };
}

Steps<Maps> Make(const Params&, const Facts& f) {
  const Bytes limit = f.ram + f.swap;
  Steps<Maps> steps;
  for (const Kind& kind : kKinds) {
    steps.push_back({kind.name, MapsAPage(kind, limit), Count("limit errno", 0),
                     Count("over errno", kind.checked ? ENOMEM : 0),
                     Is("ac", Has("ac"), kind.accounted),
                     Is("nr", Has("nr"), kind.noreserve)});
  }
  steps.push_back(Asks<Maps>("get a segment", AsksForSegment(limit, 0)));
  steps.push_back({"get a segment, a page more",
                   AsksForSegment(limit + kPage, 0), Refused(ENOMEM)});
  steps.push_back(Asks<Maps>("get it, noreserve",
                             AsksForSegment(limit + kPage, SHM_NORESERVE)));
  return steps;
}

const Register kHeuristicFlagsMatrix{
    {.id = "overcommit/heuristic_flags_matrix",
     .summary = "mode 0: what is checked against RAM + swap, and what is not",
     .claim = "Seed 1 on the flags of mmap, seed 2 on the heuristic; mmap(2), "
              "MAP_NORESERVE",
     .functions = "accountable_mapping, do_mmap, shmem_acct_size",
     .look_at = "limit, over: of a mapping as large as RAM + swap, and a page "
                "more; ac, nr: flags of smaps",
     .suite = Suite::kQuick,
     .needs = {.settings = {kVmKnobs.With(kMode, "0")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
