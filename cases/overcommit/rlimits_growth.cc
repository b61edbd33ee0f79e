// SPDX-License-Identifier: Apache-2.0
// The limits of a process hold for what grows, too: a mapping by mremap, the
// heap by brk, a stack by a touch; each to the page, and counted once.
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>

#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr std::int64_t kHole = 4096;  // pages
constexpr std::int64_t kFirst = 16;   // pages of a stack before it grows
constexpr std::int64_t kMost = 100;   // pages by which it is asked to grow
constexpr std::int64_t kLimit = 64;   // pages of RLIMIT_STACK, _MEMLOCK
constexpr std::int64_t kRoom = 20;    // pages below RLIMIT_AS

void Limit(Trace& trace, __rlimit_resource which, Bytes size) {
  const rlimit limit{static_cast<rlim_t>(size.count), RLIM_INFINITY};
  if (setrlimit(which, &limit) != 0) trace.Stop("setrlimit", errno);
}
void NoLimit(__rlimit_resource which) {
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(which, &none);
}

std::int64_t PagesOf(const char* field) { return StatusField(field) / kPage; }

// Grows the heap, for good.
int Brk(std::int64_t pages) {
  const long end = syscall(SYS_brk, 0) + static_cast<long>(Pages(pages));
  return syscall(SYS_brk, end) == end ? 0 : ENOMEM;
}

int Remap(char*& at, std::int64_t from, std::int64_t to) {
  void* const moved = mremap(at, Pages(from), Pages(to), MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) return errno;
  at = static_cast<char*>(moved);
  return 0;
}

char* MapPages(Trace& trace, std::int64_t pages, int prot, int flags,
               char* where = nullptr) {
  void* const at = mmap(where, Pages(pages), prot, flags, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  return static_cast<char*>(at);
}

// Where a stack will be: what is around keeps others away until then.
char* Reserve(Trace& trace) {
  return MapPages(trace, kHole, PROT_NONE, kPrivate | MAP_NORESERVE);
}
void Unreserve(char* hole) { munmap(hole, Pages(kHole)); }

// A stack of kFirst pages at the end of it, with room below.
char* PlaceStack(Trace& trace, char* hole) {
  char* const start = hole + Pages(kHole - kFirst - 1);
  MapPages(trace, kFirst, kRw, kPrivate | MAP_GROWSDOWN | MAP_FIXED, start);
  munmap(hole + Pages(1), Pages(kHole - kFirst - 2));
  return start;
}

// By how many pages it grows, touched page by page.
std::int64_t GrowsBy(Trace& trace, char* start) {
  std::int64_t pages = 0;
  while (pages < kMost) {
    char* const below = start - Pages(pages + 1);
    if (SignalOf(trace, [below] { *static_cast<volatile char*>(below) = 1; }) !=
        0) {
      break;
    }
    ++pages;
  }
  return pages;
}

[[gnu::noinline]] int Recurse(int depth) {
  volatile char frame[4096];
  frame[0] = 1;
  return depth == 0 ? frame[0] : Recurse(depth - 1) + frame[0];
}

// Alone in its surroundings: it cannot grow where it is.
char* Island(Trace& trace, std::int64_t pages) {
  char* const hole =
      MapPages(trace, pages + 2, PROT_NONE, kPrivate | MAP_NORESERVE);
  return MapPages(trace, pages, kRw, kPrivate | MAP_FIXED, hole + Pages(1));
}

void AddressSpace(Trace& trace) {
  char* const hole = Reserve(trace);
  char* const stack = PlaceStack(trace, hole);
  Limit(trace, RLIMIT_AS, StatusField("VmSize"));
  trace.Set("as.brk", Brk(1));
  Limit(trace, RLIMIT_AS, StatusField("VmSize") + kRoom * kPage);
  trace.Set("as.stack", GrowsBy(trace, stack));
  NoLimit(RLIMIT_AS);
  Unreserve(hole);
}

void Data(Trace& trace) {
  char* const hole = Reserve(trace);
  char* at = Island(trace, 300);
  Limit(trace, RLIMIT_DATA, StatusField("VmData"));
  trace.Set("data.grow", Remap(at, 300, 301));
  trace.Set("data.brk", Brk(1));
  // A stack is none of it.
  trace.Set("data.stack", GrowsBy(trace, PlaceStack(trace, hole)));
  Limit(trace, RLIMIT_DATA, StatusField("VmData") + kPage);
  trace.Set("data.grow_room", Remap(at, 300, 301));
  trace.Set("data.grow_more", Remap(at, 301, 302));
  Limit(trace, RLIMIT_DATA, StatusField("VmData") + kPage);
  trace.Set("data.brk_room", Brk(1));
  trace.Set("data.brk_more", Brk(1));
  NoLimit(RLIMIT_DATA);
  Brk(-1);
  munmap(at, Pages(301));
  Unreserve(hole);
}

void Stack(Trace& trace) {
  char* const hole = Reserve(trace);
  Limit(trace, RLIMIT_STACK, kLimit * kPage);
  trace.Set("stack.grows", GrowsBy(trace, PlaceStack(trace, hole)));
  NoLimit(RLIMIT_STACK);
  Unreserve(hole);
  const pid_t child = StartChild(trace, [&] {
    const Bytes now = StatusField("VmStk");
    Limit(trace, RLIMIT_STACK, now + kRoom * kPage);
    trace.Set("stack.signal", SignalOf(trace, [] { (void)Recurse(kMost); }));
    trace.Set("stack.grown", StatusField("VmStk") - now);
  });
  trace.Set("stack.status", Reap(child));
}

void Locked(Trace& trace) {
  char* const hole = Reserve(trace);
  char* at = Island(trace, kLimit - 1);
  DropCapability(trace, CAP_IPC_LOCK);
  Limit(trace, RLIMIT_MEMLOCK, kLimit * kPage);
  if (mlock(at, Pages(kLimit - 1)) != 0) trace.Stop("mlock", errno);
  trace.Set("lock.grow_room", Remap(at, kLimit - 1, kLimit));
  trace.Set("lock.grow_counted", PagesOf("VmLck"));
  trace.Set("lock.grow", Remap(at, kLimit, kLimit + 1));
  trace.Set("lock.grow_left", PagesOf("VmLck"));
  munmap(at, Pages(kLimit));

  // All that comes, comes locked.
  if (mlockall(MCL_FUTURE) != 0) trace.Stop("mlockall", errno);
  trace.Set("lock.map_over", TryMap((kLimit + 1) * kPage, kRw, kPrivate));
  at = MapPages(trace, kLimit, kRw, kPrivate);
  trace.Set("lock.map_counted", PagesOf("VmLck"));
  trace.Set("lock.map", TryMap(kPage, kRw, kPrivate));
  trace.Set("lock.brk", Brk(1));
  munmap(at, Pages(kLimit));
  trace.Set("lock.brk_room", Brk(kLimit));
  trace.Set("lock.brk_counted", PagesOf("VmLck"));
  trace.Set("lock.brk_more", Brk(1));
  Brk(-kLimit);
  trace.Set("lock.brk_left", PagesOf("VmLck"));
  trace.Set("lock.stack", GrowsBy(trace, PlaceStack(trace, hole)));
  trace.Set("lock.stack_counted", PagesOf("VmLck"));
  munlockall();
  trace.Set("lock.unlocked", PagesOf("VmLck"));
  trace.Set("lock.no_more", TryMap((kLimit + 1) * kPage, kRw, kPrivate));
  Unreserve(hole);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  GrowStack<128 << 10>();
  AddressSpace(trace);
  Data(trace);
  Stack(trace);
  Locked(trace);
}

Oracle Expect(const Params&, const Facts&) {
  const auto is = [](const char* name, std::int64_t value) {
    return Count(name, Eq(value));
  };
  // A frame is a little more than a page: the last one may jump over one.
  const Oracle stack =
      AllOf(is("stack.grows", kLimit - kFirst), is("stack.status", 0),
            is("stack.signal", SIGSEGV),
            Size("stack.grown", Between((kRoom - 1) * kPage, kRoom * kPage)));
  return AllOf(
      Survives(), AllOf(is("as.brk", ENOMEM), is("as.stack", kRoom)),
      AllOf(is("data.grow", ENOMEM), is("data.brk", ENOMEM),
            is("data.stack", kMost), is("data.grow_room", 0),
            is("data.grow_more", ENOMEM), is("data.brk_room", 0),
            is("data.brk_more", ENOMEM)),
      stack,
      AllOf(is("lock.grow_room", 0), is("lock.grow_counted", kLimit),
            is("lock.grow", EAGAIN), is("lock.grow_left", kLimit),
            is("lock.map_over", EAGAIN), is("lock.map_counted", kLimit),
            is("lock.map", EAGAIN), is("lock.brk", ENOMEM)),
      AllOf(is("lock.brk_room", 0), is("lock.brk_counted", kLimit),
            is("lock.brk_more", ENOMEM), is("lock.brk_left", 0),
            is("lock.stack", kLimit - kFirst), is("lock.stack_counted", kLimit),
            is("lock.unlocked", 0), is("lock.no_more", 0)));
}

const Register kRlimitsGrowth{
    {.id = "overcommit/rlimits_growth",
     .summary = "RLIMIT_AS, _DATA, _STACK and _MEMLOCK hold for what grows",
     .explains =
         {.claim = "Seed 2: what else may say \"Cannot allocate memory\"; "
                   "getrlimit(2), brk(2), mremap(2), mlockall(2)",
          .deed =
              "at each limit grows a mapping by mremap, the heap by brk and "
              "a stack by touching it; the same with MCL_FUTURE",
          .functions = "acct_stack_growth, expand_downwards, do_brk_flags, "
                       "vma_to_resize, may_expand_vm, mlock_future_check",
          .look_at = "<limit>.<deed> is an errno or signal, for stacks the "
                     "pages that they grew by; …_counted is VmLck in pages"},
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
