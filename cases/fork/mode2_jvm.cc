// SPDX-License-Identifier: Apache-2.0
// A runtime that reserves much and commits little: in mode 2 a reservation is
// free only without write access, and fork is charged for what is committed.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kChunk = 16_MiB;  // is committed at once

struct Runtime : Scene {
  Bytes start = Meminfo("Committed_AS");
  Range heap = Reserve(trace, 64_GiB);
  Range first = heap.Part(0_B, kChunk);
  Range second = heap.Part(1_GiB, kChunk);
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
  return {
      {"map twice the RAM, writable",
       [twice = 2 * f.ram] {
         return TryMap(twice, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
       },
       Refused(ENOMEM)},
      {"reserve", [] {}, charged(0_B), child},
      // Commits in three ways: NORESERVE does not help in this mode.
      {"map over", [](Runtime& r) { MapOver(r.trace, r.first, MAP_NORESERVE); },
       charged(kChunk)},
      {"make writable",
       [](Runtime& r) { return TryProtect(r.second, PROT_READ | PROT_WRITE); },
       charged(2 * kChunk)},
      {"write half of that",
       [](Runtime& r) { WritePages(r.trace, r.second.Part(0_B, kChunk / 2)); },
       charged(2 * kChunk), child},
      // What is mapped over is given back, what is only released is not.
      {"MADV_DONTNEED", Advise(&Runtime::second, MADV_DONTNEED),
       charged(2 * kChunk)},
      {"reserve anew", [](Runtime& r) { ReserveOver(r.trace, r.first); },
       charged(kChunk), child},
      {"map 60 % of what is left", MapLarge, ForkGives(ENOMEM), VforkGives(0)},
      {"MADV_DONTFORK", Advise(&Runtime::large, MADV_DONTFORK), ForkGives(0)},
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
