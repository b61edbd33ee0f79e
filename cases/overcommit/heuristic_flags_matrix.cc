// SPDX-License-Identifier: Apache-2.0
// Mode 0 refuses what is writable and private, or shared, beyond RAM + swap;
// what is only read, or mapped with MAP_NORESERVE, it never refuses.
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr int kShared = MAP_SHARED | MAP_ANONYMOUS;

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
    {"rw_noreserve", kRw, kPrivate | MAP_NORESERVE, false, false, true},
    {"r", PROT_READ, kPrivate, false, false, false},
    {"r_noreserve", PROT_READ, kPrivate | MAP_NORESERVE, false, false, true},
    {"none", PROT_NONE, kPrivate, false, false, false},
    {"shared_rw", kRw, kShared, true, false, false},
    {"shared_r", PROT_READ, kShared, true, false, false},
    {"shared_noreserve", kRw, kShared | MAP_NORESERVE, false, false, true},
    {"growsdown", kRw, kPrivate | MAP_GROWSDOWN, true, true, false},
    {"stack", kRw, kPrivate | MAP_STACK, true, true, false},
    {"file_rw", kRw, MAP_PRIVATE, true, true, false},
    {"file_r", PROT_READ, MAP_PRIVATE, false, false, false},
    {"file_shared_r", PROT_READ, MAP_SHARED, false, false, false}};

// "rw_over"
const char* Name(char (&name)[48], const char* kind, const char* what) {
  std::snprintf(name, sizeof name, "%s_%s", kind, what);
  return name;
}

void Measure(Trace& trace, const Kind& kind, int file, std::int64_t limit) {
  char name[48];
  const int fd = (kind.flags & MAP_ANONYMOUS) != 0 ? -1 : file;
  for (const int more : {0, 1}) {
    void* at = mmap(nullptr, Pages(limit + more), kind.prot, kind.flags, fd, 0);
    trace.Set(Name(name, kind.name, more == 0 ? "limit" : "over"),
              at == MAP_FAILED ? errno : 0);
    if (at != MAP_FAILED) munmap(at, Pages(limit + more));
  }
  // Apart from its neighbours.
  void* hole =
      mmap(nullptr, Pages(3), PROT_NONE, kPrivate | MAP_NORESERVE, -1, 0);
  char* const middle = static_cast<char*>(hole) + Pages(1);
  if (hole == MAP_FAILED || mmap(middle, Pages(1), kind.prot,
                                 kind.flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
    trace.Stop("mmap of a page", errno);
  }
  const Range page{.start = middle, .size = kPage};
  trace.Set(Name(name, kind.name, "ac"), MappingHasFlag(page, "ac"));
  trace.Set(Name(name, kind.name, "nr"), MappingHasFlag(page, "nr"));
  munmap(hole, Pages(3));
}

int TrySegment(std::int64_t pages, int flags) {
  const int id = shmget(IPC_PRIVATE, Pages(pages), IPC_CREAT | 0600 | flags);
  if (id < 0) return errno;
  shmctl(id, IPC_RMID, nullptr);
  return 0;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const std::int64_t limit = (f.ram + f.swap) / kPage;
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  for (const Kind& kind : kKinds) Measure(trace, kind, file, limit);
  close(file);
  trace.Set("segment_limit", TrySegment(limit, 0));
  trace.Set("segment_over", TrySegment(limit + 1, 0));
  trace.Set("segment_noreserve_over", TrySegment(limit + 1, SHM_NORESERVE));
}

Oracle Expect(const Params&, const Facts&) {
  std::vector<Oracle> all = {Survives()};
  char name[48];
  for (const Kind& kind : kKinds) {
    const auto expect = [&](const char* what, int value) {
      all.push_back(Count(Name(name, kind.name, what), Eq(value)));
    };
    expect("limit", 0);
    expect("over", kind.checked ? ENOMEM : 0);
    expect("ac", kind.accounted);
    expect("nr", kind.noreserve);
  }
  all.push_back(Count("segment_limit", Eq(0)));
  all.push_back(Count("segment_over", Eq(ENOMEM)));
  all.push_back(Count("segment_noreserve_over", Eq(0)));
  return AllOf(all);
}

const Register kHeuristicFlagsMatrix{
    {.id = "overcommit/heuristic_flags_matrix",
     .summary = "mode 0: what is checked against RAM + swap, and what is not",
     .explains =
         {.claim = "Seed 1 on the flags of mmap, seed 2 on the heuristic; "
                   "mmap(2), MAP_NORESERVE",
          .deed = "maps RAM + swap and a page more, by every kind of mapping, "
                  "and reads the flags of each in smaps",
          .functions = "accountable_mapping, do_mmap, shmem_acct_size",
          .look_at = "…_limit and …_over are errnos, …_ac and …_nr flags of "
                     "smaps"},
     .suite = Suite::kQuick,
     .needs = {.settings = {{kMode, "0"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
