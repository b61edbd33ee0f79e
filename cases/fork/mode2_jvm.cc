// SPDX-License-Identifier: Apache-2.0
// A runtime that reserves much and commits little: in mode 2 a reservation is
// free only without write access, and fork is charged for what is committed.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kHeap = 64_GiB;
constexpr Bytes kCommitted = 16_MiB;

struct Runtime : Scene {
  Bytes start = Meminfo("Committed_AS");
  Range heap = Reserve(trace, kHeap);
  // More than half of what is left: fork cannot have it twice.
  Range large = {};
  Bytes Charged() const { return Meminfo("Committed_AS") - start; }
  // What a child adds while it lives, less what its parent has accounted.
  Bytes ChildError() const {
    const Bytes before = Meminfo("Committed_AS");
    const pid_t child = StartChild(trace, WaitForever);
    const Bytes charge = Meminfo("Committed_AS") - before;
    EndChild(child);
    return charge - ReadMapping({.size = Bytes{INT64_MAX}}).accounted;
  }
};

void MapLarge(Runtime& r) {
  const Bytes left = Meminfo("CommitLimit") - Meminfo("Committed_AS");
  r.large = r.heap.Part(2_GiB, left * 6 / 10 / kPage * kPage);
  MapOver(r.trace, r.large);
}

Steps<Runtime> Make(const Params&, const Facts& f) {
  const auto charged = [](Bytes size) {
    return Is("charged", &Runtime::Charged, size);
  };
  const auto child = Is("child's error", &Runtime::ChildError, 0_B);
  const Bytes twice = 2 * f.ram;
  return {
      {"map twice the RAM, writable",
       [=] {
         return TryMap(twice, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
       },
       Refused(ENOMEM)},
      {"reserve", [] {}, charged(0_B), child},
      // Commits in three ways: NORESERVE does not help in this mode.
      {"map over",
       [](Runtime& r) {
         MapOver(r.trace, r.heap.Part(0_B, kCommitted), MAP_NORESERVE);
       },
       charged(kCommitted)},
      {"make writable",
       [](Runtime& r) {
         return TryProtect(r.heap.Part(1_GiB, kCommitted),
                           PROT_READ | PROT_WRITE);
       },
       charged(2 * kCommitted)},
      {"write half of that",
       [](Runtime& r) {
         WritePages(r.trace, r.heap.Part(1_GiB, kCommitted / 2));
       },
       charged(2 * kCommitted), child},
      // Uncommits, as such runtimes do: what is mapped over is given back, what
      // was only released is not.
      {"MADV_DONTNEED",
       [](Runtime& r) {
         return TryAdvise(r.heap.Part(1_GiB, kCommitted), MADV_DONTNEED);
       },
       charged(2 * kCommitted)},
      {"reserve anew",
       [](Runtime& r) { ReserveOver(r.trace, r.heap.Part(0_B, kCommitted)); },
       charged(kCommitted), child},
      {"map 60 % of what is left", MapLarge, Is("fork errno", TryFork, ENOMEM),
       Is("vfork errno", TryVfork, 0)},
      {"MADV_DONTFORK",
       [](Runtime& r) { return TryAdvise(r.large, MADV_DONTFORK); },
       Is("fork errno", TryFork, 0)},
      {"unmap", [](Runtime& r) { Unmap(r.trace, r.heap); }, charged(0_B)},
  };
}

const Register kMode2Jvm{
    {.id = "fork/mode2_jvm",
     .summary = "mode 2: a large reservation is free, also for fork",
     .claim = "Seed 2: mode 2 and fork, as a JVM meets them: it reserves "
              "gigabytes and commits megabytes",
     .functions = "accountable_mapping, mmap_region, mprotect_fixup, dup_mmap",
     .needs = {.alone = true,
               .settings = {kVmKnobs.With("overcommit_memory", "2")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
