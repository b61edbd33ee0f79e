// SPDX-License-Identifier: Apache-2.0
// In mode 1 nothing is refused for its size, by any way, nor the fork of it;
// what is mapped is charged all the same, and given back.
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr std::int64_t kHuge = 80_TiB / kPage;
// No more than an address space, but with 80 TiB taken no hole is so large.
constexpr Bytes kNoHole = 100_TiB;
constexpr std::int64_t kLarge = 64_GiB / kPage;

char* Map(Trace& trace, std::int64_t pages, int prot, int flags) {
  void* at = mmap(nullptr, Pages(pages), prot, flags, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  return static_cast<char*>(at);
}

// What is charged since it was asked last.
class Charge {
 public:
  void Tell(Trace& trace, const char* name) {
    const std::int64_t now = CommittedPages();
    trace.Set(name, now - last_);
    last_ = now;
  }

 private:
  std::int64_t last_ = CommittedPages();
};

void Subject(Trace& trace, const Params&, const Facts&) {
  GrowStack<256 << 10>();
  const std::int64_t before = CommittedPages();
  Gate gate(trace);
  Charge charge;
  char* at = Map(trace, kHuge, kRw, kPrivate);
  charge.Tell(trace, "private");
  trace.Set("vfork_errno", TryVfork());
  const pid_t child = StartChild(trace, [&] { gate.Pass(); });
  const std::int64_t own = CommittedPages();
  gate.Open();
  Reap(child);
  // Of the child, beside the 80 TiB: what else is writable in the parent.
  trace.Set("forked", own - CommittedPages() >= kHuge);
  charge.Tell(trace, "after_fork");
  munmap(at, Pages(kHuge));
  charge.Tell(trace, "private_gone");

  at = Map(trace, kHuge, PROT_READ, kPrivate);
  charge.Tell(trace, "to_read");
  trace.Set("protect_errno", mprotect(at, Pages(kLarge), kRw) == 0 ? 0 : errno);
  charge.Tell(trace, "protected");
  munmap(at, Pages(kHuge));
  charge.Tell(trace, "protected_gone");

  at = Map(trace, 1, kRw, kPrivate);
  at = static_cast<char*>(mremap(at, Pages(1), Pages(kHuge), MREMAP_MAYMOVE));
  if (at == MAP_FAILED) trace.Stop("mremap", errno);
  charge.Tell(trace, "grown");
  munmap(at, Pages(kHuge));
  charge.Tell(trace, "grown_gone");

  at = Map(trace, kLarge, kRw, MAP_SHARED | MAP_ANONYMOUS);
  charge.Tell(trace, "shared");
  munmap(at, Pages(kLarge));
  charge.Tell(trace, "shared_gone");
  const int id = shmget(IPC_PRIVATE, Pages(kLarge), IPC_CREAT | 0600);
  if (id < 0) trace.Stop("shmget", errno);
  charge.Tell(trace, "segment");
  shmctl(id, IPC_RMID, nullptr);
  charge.Tell(trace, "segment_gone");
  const long now = syscall(SYS_brk, 0);
  const long end = now + static_cast<long>(Pages(kLarge));
  trace.Set("brk_done", syscall(SYS_brk, end) == end);
  charge.Tell(trace, "heap");
  syscall(SYS_brk, now);
  charge.Tell(trace, "heap_gone");

  // What cannot have an address fails, and is not charged.
  char* const space = Map(trace, kHuge, PROT_READ, kPrivate);
  at = Map(trace, 1, kRw, kPrivate);
  trace.Set("no_address_errno", TryMap(kNoHole, kRw, kPrivate));
  trace.Set(
      "grow_no_address_errno",
      mremap(at, Pages(1), Pages(kNoHole / kPage), MREMAP_MAYMOVE) == MAP_FAILED
          ? errno
          : 0);
  munmap(at, Pages(1));
  munmap(space, Pages(kHuge));
  trace.Set("committed_left", CommittedPages() - before);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      AllOf(Survives(), Count("private", Eq(kHuge)),
            Count("vfork_errno", Eq(0)), Count("forked", Eq(1)),
            Count("after_fork", Eq(0)), Count("private_gone", Eq(-kHuge))),
      AllOf(Count("to_read", Eq(0)), Count("protect_errno", Eq(0)),
            Count("protected", Eq(kLarge)),
            Count("protected_gone", Eq(-kLarge)), Count("grown", Eq(kHuge)),
            Count("grown_gone", Eq(-kHuge))),
      AllOf(Count("shared", Eq(kLarge)), Count("shared_gone", Eq(-kLarge)),
            Count("segment", Eq(kLarge)), Count("segment_gone", Eq(-kLarge)),
            Count("brk_done", Eq(1)), Count("heap", Eq(kLarge)),
            Count("heap_gone", Eq(-kLarge))),
      Count("no_address_errno", Eq(ENOMEM)),
      Count("grow_no_address_errno", Eq(ENOMEM)),
      Count("committed_left", Eq(0)));
}

const Register kAlwaysUnlimited{
    {.id = "overcommit/always_unlimited",
     .summary = "mode 1 refuses nothing for its size, and still charges it",
     .explains =
         {.claim = "Seed 2: \"always: every allocation succeeds\"; "
                   "Documentation/mm/overcommit-accounting, mode 1",
          .deed = "maps, forks, grows and makes writable 80 TiB; shares 64 GiB",
          .functions = "__vm_enough_memory, OVERCOMMIT_ALWAYS",
          .look_at = "pages charged by each step"},
     .needs = {.alone = true, .settings = {{kMode, "1"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
