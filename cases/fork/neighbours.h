// SPDX-License-Identifier: Apache-2.0
// Two mappings next to each other that the kernel merges into one: together
// as large as a case wants, where mmap would refuse them in one piece. And rows
// about what fork gives beside them.
#pragma once

#include "oomgate/case.h"

namespace oomgate {

// Puts a private mapping over (a part of) a reservation.
inline void MapOver(Trace& trace, const Range& part, int extra_flags = 0) {
  MapOver(trace, part, PROT_READ | PROT_WRITE,
          MAP_PRIVATE | MAP_ANONYMOUS | extra_flags);
}

// Takes a part of it back: nothing there is mapped that counts.
inline void ReserveOver(Trace& trace, const Range& part) {
  MapOver(trace, part, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
}

inline Range Reserve(Trace& trace, Bytes size) {
  MapOptions none;
  none.prot = PROT_NONE;
  none.pages = MapOptions::kDefault;
  return MapAnonymous(trace, size, none);
}

// A mapping in a place where nothing else is: its directory of tables, for the
// one GiB that it may have, is its own, and all levels above are there already.
inline Range MapApart(Trace& trace, Bytes size, int flags) {
  char* const place = reinterpret_cast<char*>(1ULL << 45);
  char* const start = place + (1_GiB).count;
  const auto map = [&](char* at, Bytes length, int how) {
    if (mmap(at, Length(length), PROT_READ | PROT_WRITE,
             how | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
             0) != at) {
      trace.Stop("mmap at a fixed place", errno);
    }
  };
  map(place, kPage, MAP_PRIVATE);
  *place = 1;
  map(start, size, flags);
  return {.start = start, .size = size};
}

// An act: madvise(2) of a range of the scene.
template <typename S>
auto Advise(Range S::*range, int advice) {
  return [=](S& s) { return TryAdvise(s.*range, advice); };
}

// A child that lives until it is ended, and does something at last.
class LivingChild {
 public:
  explicit LivingChild(Trace& trace) : trace_(trace), end_(trace) {}
  template <typename Last>
  void Start(Last last) {
    pid_ = StartChild(trace_, [&] {
      end_.Pass();
      last();
    });
  }
  // Its wait(2) status.
  int End() {
    end_.Open();
    return Reap(pid_);
  }

 private:
  Trace& trace_;
  Gate end_;
  pid_t pid_ = 0;
};

// How many faults it takes.
template <typename Deed>
std::int64_t FaultsOf(Deed deed) {
  const std::int64_t before = ReadUsage().minor_faults;
  deed();
  return ReadUsage().minor_faults - before;
}

// Rows: what fork(2) and vfork(2) give at that moment, 0 or errno.
inline auto ForkGives(int error) { return Is("fork errno", TryFork, error); }
inline auto VforkGives(int error) { return Is("vfork errno", TryVfork, error); }

// One mapping beyond RAM + swap, that makes fork fail in mode 0: two halves.
inline Range MapBeyondFork(Trace& trace, const Facts& f) {
  const Bytes half = ((f.ram + f.swap) / kPage / 2 + 1) * kPage;
  const Range whole = Reserve(trace, 2 * half);
  MapOver(trace, whole.Part(0_B, half));
  MapOver(trace, whole.Part(half, half));
  return whole;
}

}  // namespace oomgate
