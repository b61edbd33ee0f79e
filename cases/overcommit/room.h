// SPDX-License-Identifier: Apache-2.0
// The rule of mode 2, as arithmetic: what one more call may be charged, and
// how to leave exactly so much.
#pragma once

#include <linux/capability.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "oomgate/case.h"

namespace oomgate {

// Files of kVmKnobs.
inline constexpr const char* kMode = "overcommit_memory";
inline constexpr const char* kRatio = "overcommit_ratio";
inline constexpr const char* kKbytes = "overcommit_kbytes";
inline constexpr const char* kUserReserve = "user_reserve_kbytes";
inline constexpr const char* kAdminReserve = "admin_reserve_kbytes";
inline constexpr const char* kMaxMaps = "max_map_count";

inline constexpr int kRw = PROT_READ | PROT_WRITE;
inline constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
inline constexpr int kShared = MAP_SHARED | MAP_ANONYMOUS;

// All mappings of a process, but for the one that the kernel shows above the
// address space.
inline constexpr Range kAllMappings{.start = nullptr, .size = 128_TiB};

// Why the checks of a step hold without its act.
inline constexpr const char* kOnlyAsks =
    "asks whether the kernel allows it, and undoes it";

// A step that only asks so: the kernel must do it.
template <typename S, typename Act>
StepOf<S> Asks(const std::string& name, Act act) {
  return StepOf<S>(name, act).HoldsWithout(kOnlyAsks);
}

// The steps of one list, then those of another.
template <typename S>
Steps<S> operator+(Steps<S> all, const Steps<S>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// The length of so many pages, as system calls take it.
constexpr std::size_t Pages(std::int64_t pages) {
  return static_cast<std::size_t>(pages) * 4096;
}
// A part of a range, in pages.
inline Range Part(const Range& range, std::int64_t from, std::int64_t pages) {
  return range.Part(from * kPage, pages * kPage);
}
inline std::int64_t MappedPages(const Range& range) {
  return MappingField(range, "Size") / kPage;
}

inline std::int64_t CommittedPages() { return Meminfo("Committed_AS") / kPage; }

// Makes the stack that large. Its growth is charged: what is needed later has
// to be there before anything is counted.
template <int kSize>
[[gnu::noinline]] bool GrowStack() {
  volatile char room[kSize];
  for (int i = kSize - 1; i >= 0; i -= 4096) room[i] = 1;
  return room[0] == 1;
}

// What is committed, as a ledger.
struct CommitScene : Scene {
  bool stack = GrowStack<512 << 10>();
  std::int64_t at_first = CommittedPages();
  std::int64_t last = at_first;

  // Pages that are charged since it was asked last: as each step asks, none
  // between two steps is missed.
  std::int64_t Charged() {
    const std::int64_t now = CommittedPages();
    return now - std::exchange(last, now);
  }
  void CountFromHere() { at_first = last = CommittedPages(); }
  // The same since the beginning.
  std::int64_t Left() const { return CommittedPages() - at_first; }
};

// A row: so many pages are charged since the step before.
inline auto Charged(testing::Matcher<std::int64_t> pages) {
  return Is("charged", &CommitScene::Charged, pages);
}

// An act: may so much be mapped?
inline auto AsksToMap(Bytes size, int prot = kRw, int flags = kPrivate) {
  return [=](const auto&...) { return TryMap(size, prot, flags); };
}

// A reading: the most that may be mapped so, up to 1 TiB.
inline auto MostToMap(int prot, int flags) {
  return [=] { return LargestMap(prot, flags, 1_TiB); };
}

// An act: may a mapping that is made for it grow so? It is gone afterwards.
inline auto AsksToGrow(Bytes from, Bytes to, int prot = kRw) {
  return [=](const Scene& s) {
    Range at = MapBare(s.trace, from, prot, kPrivate);
    const int error = TryRemap(at, to, MREMAP_MAYMOVE);
    Unmap(s.trace, at);
    return error;
  };
}

// Grows the heap by so many pages: 0, or ENOMEM.
inline int TryBrk(std::int64_t pages) {
  const long end = syscall(SYS_brk, 0) + pages * kPage.count;
  return syscall(SYS_brk, end) == end ? 0 : ENOMEM;
}
// The same, and back again.
inline int TryBrkAndBack(std::int64_t pages) {
  const int error = TryBrk(pages);
  if (error == 0) TryBrk(-pages);
  return error;
}

// Makes a System V segment, and removes it: 0, or errno.
inline int TrySegment(Bytes size, int flags = 0) {
  const int id = shmget(IPC_PRIVATE, Length(size), IPC_CREAT | 0600 | flags);
  if (id >= 0) shmctl(id, IPC_RMID, nullptr);
  return ErrnoOf(id);
}

// The object behind a shared anonymous mapping has no name but this one.
inline int OpenBehind(Trace& trace, const Range& range) {
  char path[64];
  const auto from = reinterpret_cast<unsigned long>(range.start);
  std::snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", from,
                from + Length(range.size));
  return Must(trace, path, open(path, O_RDWR | O_CLOEXEC));
}

// The soft limit of a process (RLIMIT_…); none where that is the size.
inline constexpr Bytes kUnlimited{-1};
inline void Limit(Trace& trace, __rlimit_resource which, Bytes size) {
  const rlimit limit{static_cast<rlim_t>(size.count), RLIM_INFINITY};
  Must(trace, "setrlimit", setrlimit(which, &limit));
}

// With CAP_SYS_ADMIN, or without.
enum class Who { kAdmin, kUser };

inline void Become(Trace& trace, Who who) {
  if (who == Who::kUser) DropCapability(trace, CAP_SYS_ADMIN);
}

// Pages: of the limit, the administrator's reserve is kept from others, the
// user's reserve (at most 1/32 of what the process has) from all; and what is
// committed stays below the rest. With one CPU the kernel knows what is
// committed to the page, if it is asked for more than a batch.
inline std::int64_t Room(Who who) {
  const std::int64_t admin =
      who == Who::kAdmin ? 0 : kVmKnobs.Number(kAdminReserve) / 4;
  const std::int64_t user = std::min(NumberIn("/proc/self/statm") / 32,
                                     kVmKnobs.Number(kUserReserve) / 4);
  return Meminfo("CommitLimit") / kPage - admin - user - 1 - CommittedPages();
}

// Pages that each CPU may hold back in mode 2 (mm_compute_batch).
inline std::int64_t Batch(const Facts& f) {
  return std::max<std::int64_t>({32, 2 * f.cpus, f.ram / kPage / 256 / f.cpus});
}

// Takes what there is but for `pages`, and leaves nothing held back on this
// CPU. Needs CAP_SYS_ADMIN. What is taken is an object without a mapping, as
// mappings count for the user's reserve; it is given back by close.
inline int LeaveRoom(Trace& trace, Who who, std::int64_t pages) {
  const std::int64_t room = Room(who) - pages;
  if (room <= 0) trace.Stop("leaving room", EOVERFLOW);
  const Range all = MapBare(trace, room * kPage, kRw, kShared);
  const int taken = OpenBehind(trace, all);
  Unmap(trace, all);
  return taken;
}

// Pages that are charged one by one, as long as there is room for two and a
// half batches: a CPU holds back a batch of them, so that there are three, less
// the page that filled the last.
inline std::int64_t RoomForThree(const Facts& f) { return Batch(f) * 5 / 2; }
inline std::int64_t FitsInThree(const Facts& f) { return Batch(f) * 3 - 1; }

}  // namespace oomgate
