// SPDX-License-Identifier: Apache-2.0
// In mode 2 the rule is one, whatever asks: the largest of every kind of
// memory reaches CommitLimit, less the reserves and what is committed.
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

Who Asks(const Params& p) {
  return p["who"] == "admin" ? Who::kAdmin : Who::kUser;
}

bool Drop(void* at, std::size_t size) {
  return at != MAP_FAILED && munmap(at, size) == 0;
}

// The largest that fits, beyond what the rule says: 0.
template <typename Fits>
void Measure(Trace& trace, Who who, const char* name, Fits fits) {
  const std::int64_t room = Room(who);
  trace.Set(name, Largest(4 * room, fits) - room);
}

// What other CPUs hold back is not seen by the one that asks: a mapping larger
// than a batch makes each of them tell it.
void FoldAll(Trace& trace, const Facts& f) {
  for (int cpu = f.cpus - 1; cpu >= 0; --cpu) {
    RunOnCpu(trace, cpu);
    if (TryMap(2 * Batch(f) * kPage, kRw, kPrivate) != 0) {
      trace.Stop("mmap of two batches", ENOMEM);
    }
  }
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const Who who = Asks(p);
  Become(trace, who);
  GrowStack<256 << 10>();
  FoldAll(trace, f);
  const std::int64_t before = CommittedPages();

  constexpr struct {
    const char* name;
    int flags;
  } kMaps[] = {
      {"private", kPrivate},
      {"private_noreserve", kPrivate | MAP_NORESERVE},
      {"growsdown", kPrivate | MAP_GROWSDOWN},
      {"shared", MAP_SHARED | MAP_ANONYMOUS},
      {"shared_noreserve", MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE}};
  for (const auto& map : kMaps) {
    Measure(trace, who, map.name, [&](std::int64_t pages) {
      return TryMap(pages * kPage, kRw, map.flags) == 0;
    });
  }
  const int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  Measure(trace, who, "file", [&](std::int64_t pages) {
    return Drop(mmap(nullptr, Pages(pages), kRw, MAP_PRIVATE, exe, 0),
                Pages(pages));
  });
  close(exe);
  for (const int flags : {0, SHM_NORESERVE}) {
    Measure(trace, who, flags == 0 ? "segment" : "segment_noreserve",
            [&](std::int64_t pages) {
              const int id =
                  shmget(IPC_PRIVATE, Pages(pages), IPC_CREAT | 0600 | flags);
              return id >= 0 && shmctl(id, IPC_RMID, nullptr) == 0;
            });
  }
  Measure(trace, who, "brk", [&](std::int64_t pages) {
    const long now = syscall(SYS_brk, 0);
    const long end = now + static_cast<long>(Pages(pages));
    const bool grown = syscall(SYS_brk, end) == end;
    syscall(SYS_brk, now);
    return grown;
  });

  // One page that is moved to make it larger: only what it gets more is asked.
  void* at = mmap(nullptr, Pages(1), kRw, kPrivate, -1, 0);
  Measure(trace, who, "mremap", [&](std::int64_t pages) {
    void* const grown = mremap(at, Pages(1), Pages(1 + pages), MREMAP_MAYMOVE);
    if (grown == MAP_FAILED) return false;
    at = mremap(grown, Pages(1 + pages), Pages(1), 0);
    return at == grown;
  });
  munmap(at, Pages(1));

  // What is mapped counts for the user's reserve, also where it is not
  // charged: the mapping that is made writable does itself.
  const std::size_t size = Pages(4 * Room(who));
  at = mmap(nullptr, size, PROT_READ, kPrivate, -1, 0);
  Measure(trace, who, "mprotect", [&](std::int64_t pages) {
    const bool done = mprotect(at, Pages(pages), kRw) == 0;
    return mmap(at, size, PROT_READ, kPrivate | MAP_FIXED, -1, 0) == at && done;
  });
  munmap(at, size);
  at = mmap(nullptr, 256 << 20, PROT_READ, kPrivate, -1, 0);
  Measure(trace, who, "beside_uncharged", [&](std::int64_t pages) {
    return TryMap(pages * kPage, kRw, kPrivate) == 0;
  });
  munmap(at, 256 << 20);

  // What is committed is left out, and a mapping is not charged twice when
  // another of the same size takes its place.
  const std::int64_t most = Room(who) * 6 / 10;
  at = mmap(nullptr, Pages(most), kRw, kPrivate, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of 60 %", errno);
  Measure(trace, who, "beside_charged", [&](std::int64_t pages) {
    return TryMap(pages * kPage, kRw, kPrivate) == 0;
  });
  trace.Set("second_errno", TryMap(most * kPage, kRw, kPrivate));
  trace.Set("replaced",
            mmap(at, Pages(most), kRw, kPrivate | MAP_FIXED, -1, 0) == at);
  void* const hole = mmap(nullptr, Pages(most), PROT_NONE, kPrivate, -1, 0);
  at =
      mremap(at, Pages(most), Pages(most), MREMAP_MAYMOVE | MREMAP_FIXED, hole);
  trace.Set("moved", at == hole);
  munmap(at, Pages(most));
  trace.Set("committed_left", CommittedPages() - before);
}

Oracle Expect(const Params&, const Facts&) {
  std::vector<Oracle> all = {Survives()};
  for (const char* name :
       {"private", "private_noreserve", "growsdown", "shared",
        "shared_noreserve", "file", "segment", "segment_noreserve", "brk",
        "mremap", "mprotect", "beside_uncharged", "beside_charged"}) {
    all.push_back(Count(name, Eq(0)));
  }
  all.push_back(Count("second_errno", Eq(ENOMEM)));
  all.push_back(Count("replaced", Eq(1)));
  all.push_back(Count("moved", Eq(1)));
  all.push_back(Count("committed_left", Eq(0)));
  return AllOf(all);
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.cpus = static_cast<int>(p.Number("cpus"));
}

const Register kNeverMaxMapExact{
    {.id = "overcommit/never_max_map_exact",
     .summary = "mode 2: the largest of every kind of memory, to the page",
     .explains =
         {.claim = "overcommit.never.max_map_exact, .noreserve_ignored, "
                   ".map_fixed_replace; seed 2's \"total RAM + CommitLimit\" "
                   "is wrong: the limit is CommitLimit",
          .deed = "bisects the largest mapping, segment, heap, mremap and "
                  "mprotect, and compares each with the rule",
          .functions = "__vm_enough_memory, security_vm_enough_memory_mm",
          .look_at = "pages that the kernel allowed beyond the rule: one kind "
                     "that is off says which caller, all say that the rule is"},
     .needs = {.alone = true, .settings = {{kMode, "2"}}},
     .adjust = Adjust,
     .params = {{"who", {"admin", "user"}}, {"cpus", {"1", "2"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "private", .better = Better::kLower, .unit = "pages"}}}};

}  // namespace
}  // namespace oomgate
