// SPDX-License-Identifier: Apache-2.0
// A runtime that reserves much and commits little: in mode 2 a reservation is
// free only without write access, and fork is charged for what is committed.
#include <unistd.h>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kHeap = 64_GiB;
constexpr Bytes kCommitted = 16_MiB;

// What a child adds to Committed_AS while it lives.
Bytes ChildCharge(Trace& trace) {
  const Bytes before = Meminfo("Committed_AS");
  const pid_t child = StartChild(trace, WaitForever);
  const Bytes charge = Meminfo("Committed_AS") - before;
  EndChild(child);
  return charge;
}

Bytes Accounted() { return ReadMapping({.size = Bytes{INT64_MAX}}).accounted; }

void Subject(Trace& trace, const Params&, const Facts& f) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  trace.Set("writable_errno", TryMap(2 * f.ram, PROT_READ | PROT_WRITE, flags));
  const Bytes start = Meminfo("Committed_AS");
  const Range heap = Reserve(trace, kHeap);
  trace.Set("reserved", Meminfo("Committed_AS") - start);
  trace.Set("reserved_child_error", ChildCharge(trace) - Accounted());

  // Commits in three ways: NORESERVE does not help in this mode.
  MapOver(trace, heap.Part(0_B, kCommitted), MAP_NORESERVE);
  trace.Set("mapped", Meminfo("Committed_AS") - start);
  Protect(trace, heap.Part(1_GiB, kCommitted), PROT_READ | PROT_WRITE);
  trace.Set("protected", Meminfo("Committed_AS") - start);
  WritePages(trace, heap.Part(1_GiB, kCommitted / 2));
  trace.Set("touched", Meminfo("Committed_AS") - start);
  trace.Set("child_error", ChildCharge(trace) - Accounted());

  // Uncommits, as such runtimes do: what is mapped over is given back, what
  // was only released is not.
  Advise(trace, heap.Part(1_GiB, kCommitted), MADV_DONTNEED);
  trace.Set("released", Meminfo("Committed_AS") - start);
  ReserveOver(trace, heap.Part(0_B, kCommitted));
  trace.Set("uncommitted", Meminfo("Committed_AS") - start);
  trace.Set("uncommitted_child_error", ChildCharge(trace) - Accounted());

  // More than half of what is left: fork cannot have it twice, vfork need not.
  const Bytes left = Meminfo("CommitLimit") - Meminfo("Committed_AS");
  MapOver(trace, heap.Part(2_GiB, left * 6 / 10 / kPage * kPage));
  trace.Set("fork_errno", TryFork());
  trace.Set("vfork_errno", TryVfork());
  Advise(trace, heap.Part(2_GiB, left * 6 / 10 / kPage * kPage), MADV_DONTFORK);
  trace.Set("dontfork_errno", TryFork());
  Unmap(trace, heap);
  trace.Set("at_end", Meminfo("Committed_AS") - start);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), Count("writable_errno", Eq(ENOMEM)),
      Size("reserved", Eq(0_B)), Size("reserved_child_error", Eq(0_B)),
      Size("mapped", Eq(kCommitted)), Size("protected", Eq(2 * kCommitted)),
      Size("touched", Eq(2 * kCommitted)), Size("child_error", Eq(0_B)),
      Size("released", Eq(2 * kCommitted)), Size("uncommitted", Eq(kCommitted)),
      Size("uncommitted_child_error", Eq(0_B)), Count("fork_errno", Eq(ENOMEM)),
      Count("vfork_errno", Eq(0)), Count("dontfork_errno", Eq(0)),
      Size("at_end", Eq(0_B)));
}

const Register kMode2Jvm{
    {.id = "fork/mode2_jvm",
     .summary = "mode 2: a large reservation is free, also for fork",
     .explains =
         {.claim = "Seed 2: mode 2 and fork, as a JVM meets them: it reserves "
                   "gigabytes and commits megabytes",
          .deed = "reserves 64 GiB, commits and uncommits parts of it, and "
                  "reads what each step and a child are charged",
          .functions = "accountable_mapping, mmap_region, mprotect_fixup, "
                       "dup_mmap",
          .look_at = "the first step that is not as expected: the charge of a "
                     "child must be what its parent has accounted"},
     .needs = {.alone = true,
               .settings = {{"/proc/sys/vm/overcommit_memory", "2"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
