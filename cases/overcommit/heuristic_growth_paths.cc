// SPDX-License-Identifier: Apache-2.0
// Mode 0 checks each call by itself, and of a call only what it adds: so much
// can be made writable or grown at once, and any number of times.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr Bytes kLargest = 80_TiB;  // of what an address space has in one piece

char* Map(Trace& trace, std::int64_t pages, int prot) {
  void* at = mmap(nullptr, Pages(pages), prot, kPrivate, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  return static_cast<char*>(at);
}

int Protect(char* at, std::int64_t pages) {
  return mprotect(at, Pages(pages), kRw) == 0 ? 0 : errno;
}

// Grows a mapping made for it; it is gone afterwards.
int Grow(Trace& trace, std::int64_t from, std::int64_t to, int prot = kRw) {
  char* const at = Map(trace, from, prot);
  void* grown = mremap(at, Pages(from), Pages(to), MREMAP_MAYMOVE);
  const int error = grown == MAP_FAILED ? errno : 0;
  if (error == 0) {
    munmap(grown, Pages(to));
  } else {
    munmap(at, Pages(from));
  }
  return error;
}

int GrowHeap(std::int64_t pages) {
  const long now = syscall(SYS_brk, 0);
  const long end = now + static_cast<long>(Pages(pages));
  const long got = syscall(SYS_brk, end);
  if (got == end) syscall(SYS_brk, now);
  return got == end ? 0 : ENOMEM;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const std::int64_t limit = (f.ram + f.swap) / kPage;
  char* at = Map(trace, kLargest / kPage, PROT_READ);
  trace.Set("protect_over", Protect(at, limit + 1));
  trace.Set("protect_limit", Protect(at, limit));
  trace.Set("protect_again", Protect(at + Pages(limit), limit));
  // What is charged already is not asked for again.
  trace.Set("protect_charged_too", Protect(at, 3 * limit));
  trace.Set("protect_beyond_charged", Protect(at, 4 * limit + 1));
  munmap(at, static_cast<std::size_t>(kLargest.count));

  trace.Set("grow_by_limit", Grow(trace, limit, 2 * limit));
  trace.Set("grow_by_more", Grow(trace, limit, 2 * limit + 1));
  trace.Set("page_by_limit", Grow(trace, 1, limit + 1));
  trace.Set("page_by_more", Grow(trace, 1, limit + 2));
  trace.Set("read_by_more", Grow(trace, 1, 3 * limit, PROT_READ));
  trace.Set("heap_by_limit", GrowHeap(limit));
  trace.Set("heap_by_more", GrowHeap(limit + 1));

  // Twenty times nearly all there is.
  constexpr int kMaps = 20;
  const std::int64_t most = limit * 9 / 10;
  char* maps[kMaps];
  for (char*& map : maps) {
    map = Map(trace, most + 1, PROT_READ);
    if (Protect(map, most) == 0) trace.Add("cumulative", 1);
  }
  trace.Set("fork_errno", TryFork());
  for (char* map : maps) munmap(map, Pages(most + 1));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      AllOf(Survives(), Count("protect_over", Eq(ENOMEM)),
            Count("protect_limit", Eq(0)), Count("protect_again", Eq(0)),
            Count("protect_charged_too", Eq(0)),
            Count("protect_beyond_charged", Eq(ENOMEM))),
      AllOf(Count("grow_by_limit", Eq(0)), Count("grow_by_more", Eq(ENOMEM)),
            Count("page_by_limit", Eq(0)), Count("page_by_more", Eq(ENOMEM)),
            Count("read_by_more", Eq(0)), Count("heap_by_limit", Eq(0)),
            Count("heap_by_more", Eq(ENOMEM))),
      Count("cumulative", Eq(20)), Count("fork_errno", Eq(0)));
}

const Register kHeuristicGrowthPaths{
    {.id = "overcommit/heuristic_growth_paths",
     .summary = "mode 0: each call is checked by what it adds, never the sum",
     .explains =
         {.claim = "overcommit.heuristic.growth_paths, .cumulative_unbounded; "
                   "seed 2 on the heuristic; seed 0: overcommit has no sum",
          .deed =
              "makes writable, grows by mremap and brk by RAM + swap and by "
              "a page more; maps 18 times RAM + swap in pieces",
          .functions = "mprotect_fixup, vma_to_resize, do_brk_flags, "
                       "__vm_enough_memory, dup_mmap",
          .look_at = "errnos named after the way"},
     .suite = Suite::kQuick,
     .needs = {.settings = {{kMode, "0"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
