// SPDX-License-Identifier: Apache-2.0
// The limits of a process are exact to the page: RLIMIT_AS counts all that is
// mapped, RLIMIT_DATA what is private and writable, RLIMIT_MEMLOCK what is
// locked; what a call replaces is free for it, and what is refused not counted.
#include <linux/capability.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include <cerrno>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr std::int64_t kRoom = 1000;

int Of(bool done) { return done ? 0 : errno; }

void Limit(Trace& trace, __rlimit_resource which, Bytes size) {
  const rlimit limit{static_cast<rlim_t>(size.count), RLIM_INFINITY};
  if (setrlimit(which, &limit) != 0) trace.Stop("setrlimit", errno);
}
void NoLimit(__rlimit_resource which) {
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(which, &none);
}

int Fixed(char* at, std::int64_t pages) {
  return Of(mmap(at, Pages(pages), kRw, kPrivate | MAP_FIXED, -1, 0) !=
            MAP_FAILED);
}

// Two neighbours of different protection, charged to nothing else.
char* Two(Trace& trace, int first, int second) {
  void* const at = mmap(nullptr, Pages(600), first, kPrivate, -1, 0);
  if (at == MAP_FAILED ||
      mprotect(static_cast<char*>(at) + Pages(300), Pages(300), second) != 0) {
    trace.Stop("mmap of two mappings", errno);
  }
  return static_cast<char*>(at);
}

// Moved, its old place stays mapped: counts again. 0, or errno.
int MoveAndKeep(char* at, std::int64_t pages) {
  const long got = syscall(SYS_mremap, at, Pages(pages), Pages(pages),
                           MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0UL);
  if (got == -1) return errno;
  munmap(reinterpret_cast<char*>(got), Pages(pages));
  return 0;
}

void AddressSpace(Trace& trace) {
  char* const two = Two(trace, PROT_READ, kRw);
  Limit(trace, RLIMIT_AS, StatusField("VmSize") + kRoom * kPage);
  trace.Set("as.largest", LargestMap(kRw, kPrivate, 4 * kRoom * kPage));
  trace.Set("as.largest_readonly",
            LargestMap(PROT_READ, kPrivate | MAP_NORESERVE, 4 * kRoom * kPage));
  trace.Set("as.largest_shared",
            LargestMap(kRw, MAP_SHARED | MAP_ANONYMOUS, 4 * kRoom * kPage));
  Limit(trace, RLIMIT_AS, StatusField("VmSize"));
  trace.Set("as.full", TryMap(kPage, PROT_NONE, kPrivate));
  // What grows by nothing needs no room.
  trace.Set("as.protect", Of(mprotect(two, Pages(300), kRw) == 0));
  trace.Set("as.replace", Fixed(two, 600));
  // Of a mapping that reaches beyond what is mapped over it, the rest stays.
  munmap(two, Pages(100));
  Limit(trace, RLIMIT_AS, StatusField("VmSize"));
  trace.Set("as.overlap", Fixed(two, 200));
  Limit(trace, RLIMIT_AS, StatusField("VmSize") + 100 * kPage);
  trace.Set("as.overlap_room", Fixed(two, 200));
  trace.Set("as.overlap_full", TryMap(kPage, PROT_NONE, kPrivate));
  trace.Set("as.grow", Of(mremap(two, Pages(600), Pages(601), MREMAP_MAYMOVE) !=
                          MAP_FAILED));
  trace.Set("as.keep", MoveAndKeep(two, 600));
  Limit(trace, RLIMIT_AS, StatusField("VmSize") + 600 * kPage);
  trace.Set("as.keep_room", MoveAndKeep(two, 600));
  NoLimit(RLIMIT_AS);
  munmap(two, Pages(600));
}

void Data(Trace& trace) {
  char* const two = Two(trace, kRw, PROT_READ);
  Limit(trace, RLIMIT_DATA, StatusField("VmData") + kRoom * kPage);
  trace.Set("data.largest", LargestMap(kRw, kPrivate, 4 * kRoom * kPage));
  trace.Set("data.readonly", TryMap(4 * kRoom * kPage, PROT_READ, kPrivate));
  trace.Set("data.shared",
            TryMap(4 * kRoom * kPage, kRw, MAP_SHARED | MAP_ANONYMOUS));
  Limit(trace, RLIMIT_DATA, StatusField("VmData"));
  trace.Set("data.full", TryMap(kPage, kRw, kPrivate));
  trace.Set("data.exec", Of(mprotect(two, Pages(300), kRw | PROT_EXEC) == 0));
  trace.Set("data.replace", Fixed(two, 300));
  trace.Set("data.protect",
            Of(mprotect(two + Pages(300), Pages(300), kRw) == 0));
  trace.Set("data.keep", MoveAndKeep(two, 300));
  Limit(trace, RLIMIT_DATA, StatusField("VmData") + 300 * kPage);
  trace.Set("data.keep_room", MoveAndKeep(two, 300));
  trace.Set("data.protect_room",
            Of(mprotect(two + Pages(300), Pages(300), kRw) == 0));
  NoLimit(RLIMIT_DATA);
  munmap(two, Pages(600));
}

void Locked(Trace& trace) {
  DropCapability(trace, CAP_IPC_LOCK);
  constexpr std::int64_t kLock = 64;
  const Bytes limit = kLock * kPage;
  Limit(trace, RLIMIT_MEMLOCK, limit);
  const Range range = MapAnonymous(trace, 4 * limit);
  const auto lock = [&](std::int64_t from, std::int64_t pages) {
    return Of(mlock(range.start + Pages(from), Pages(pages)) == 0);
  };
  trace.Set("lock.over", lock(0, kLock + 1));
  trace.Set("lock.over_left", StatusField("VmLck"));
  trace.Set("lock.all", lock(0, kLock));
  trace.Set("lock.again", lock(0, kLock));
  trace.Set("lock.one_more", lock(kLock, 1));
  trace.Set("lock.mapped", TryMap(kPage, kRw, kPrivate | MAP_LOCKED));
  munlock(range.start, Pages(kLock));
  trace.Set("lock.elsewhere", lock(kLock, kLock));
  munlock(range.start + Pages(kLock), Pages(kLock));
  Unmap(trace, range);

  const auto segment = [&](std::int64_t pages) {
    const int id = shmget(IPC_PRIVATE, Pages(pages), IPC_CREAT | 0600);
    if (id < 0) trace.Stop("shmget", errno);
    return id;
  };
  const auto lock_segment = [](int id) {
    return Of(shmctl(id, SHM_LOCK, nullptr) == 0);
  };
  const int large = segment(kLock + 1);
  const int fits = segment(kLock);
  const int small = segment(1);
  trace.Set("shm.over", lock_segment(large));
  trace.Set("shm.over_again", lock_segment(large));
  trace.Set("shm.all", lock_segment(fits));
  trace.Set("shm.one_more", lock_segment(small));
  shmctl(fits, SHM_UNLOCK, nullptr);
  trace.Set("shm.after_unlock", lock_segment(small));
  shmctl(small, IPC_RMID, nullptr);
  // Removed while it was locked: no longer counted.
  trace.Set("shm.after_remove", lock_segment(fits));
  for (const int id : {large, fits}) shmctl(id, IPC_RMID, nullptr);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  AddressSpace(trace);
  Data(trace);
  Locked(trace);
}

Oracle Expect(const Params&, const Facts&) {
  const Bytes room = kRoom * kPage;
  const Oracle address_space =
      AllOf(Size("as.largest", Eq(room)), Size("as.largest_readonly", Eq(room)),
            Size("as.largest_shared", Eq(room)), Count("as.full", Eq(ENOMEM)),
            Count("as.protect", Eq(0)), Count("as.replace", Eq(0)),
            Count("as.overlap", Eq(ENOMEM)), Count("as.overlap_room", Eq(0)),
            Count("as.overlap_full", Eq(ENOMEM)), Count("as.grow", Eq(ENOMEM)),
            Count("as.keep", Eq(ENOMEM)), Count("as.keep_room", Eq(0)));
  const Oracle data =
      AllOf(Size("data.largest", Eq(room)), Count("data.readonly", Eq(0)),
            Count("data.shared", Eq(0)), Count("data.full", Eq(ENOMEM)),
            Count("data.exec", Eq(0)), Count("data.replace", Eq(0)),
            Count("data.protect_room", Eq(0)), Count("data.keep", Eq(ENOMEM)),
            Count("data.keep_room", Eq(0)));
  const Oracle locked = AllOf(
      AllOf(Count("lock.over", Eq(ENOMEM)), Size("lock.over_left", Eq(0_B)),
            Count("lock.all", Eq(0)), Count("lock.again", Eq(0)),
            Count("lock.one_more", Eq(ENOMEM)),
            Count("lock.mapped", Eq(EAGAIN)), Count("lock.elsewhere", Eq(0))),
      AllOf(Count("shm.over", Eq(ENOMEM)), Count("shm.over_again", Eq(ENOMEM)),
            Count("shm.all", Eq(0)), Count("shm.one_more", Eq(ENOMEM)),
            Count("shm.after_unlock", Eq(0)),
            Count("shm.after_remove", Eq(0))));
  return AllOf(Survives(), address_space, data,
               Count("data.protect", Eq(ENOMEM)), locked);
}

const Register kRlimits{
    {.id = "overcommit/rlimits",
     .summary = "RLIMIT_AS, _DATA and _MEMLOCK are exact, and count what they "
                "say",
     .explains = {.claim = "Seed 2: what else may say \"Cannot allocate "
                           "memory\"; getrlimit(2), mlock(2), shmctl(2)",
                  .deed = "with room for 1000 pages, bisects the largest "
                          "mapping of each kind; replaces, grows, protects and "
                          "locks at the limit",
                  .functions = "may_expand_vm, count_vma_pages_range, "
                               "mprotect_fixup, do_mlock, user_shm_lock",
                  .look_at = "<limit>.<deed> is an errno, largest a size"},
     .suite = Suite::kQuick,
     .needs = {.alone = true},  // locked segments count for the user
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "as.largest", .unit = "bytes"},
                 {.name = "data.largest", .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
