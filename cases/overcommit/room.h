// SPDX-License-Identifier: Apache-2.0
// The rule of mode 2, as arithmetic: what one more call may be charged, and
// how to leave exactly so much.
#pragma once

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {

inline constexpr const char* kMode = "/proc/sys/vm/overcommit_memory";
inline constexpr const char* kRatio = "/proc/sys/vm/overcommit_ratio";
inline constexpr const char* kKbytes = "/proc/sys/vm/overcommit_kbytes";
inline constexpr const char* kUserReserve = "/proc/sys/vm/user_reserve_kbytes";
inline constexpr const char* kAdminReserve =
    "/proc/sys/vm/admin_reserve_kbytes";

// The length of so many pages, as system calls take it.
constexpr std::size_t Pages(std::int64_t pages) {
  return static_cast<std::size_t>(pages) * 4096;
}

inline std::int64_t CommittedPages() { return Meminfo("Committed_AS") / kPage; }

// Makes the stack that large. Its growth is charged: what is needed later has
// to be there before anything is counted.
template <int kSize>
[[gnu::noinline]] void GrowStack() {
  volatile char room[kSize];
  for (int i = kSize - 1; i >= 0; i -= 4096) room[i] = 1;
  (void)room[0];
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
      who == Who::kAdmin ? 0 : NumberIn(kAdminReserve) / 4;
  const std::int64_t user =
      std::min(NumberIn("/proc/self/statm") / 32, NumberIn(kUserReserve) / 4);
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
  void* at = mmap(nullptr, Pages(room), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of all but the room", errno);
  char path[64];
  const auto from = reinterpret_cast<unsigned long>(at);
  std::snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", from,
                from + Pages(room));
  const int taken = open(path, O_RDWR | O_CLOEXEC);
  if (taken < 0) trace.Stop(path, errno);
  munmap(at, Pages(room));
  return taken;
}

}  // namespace oomgate
