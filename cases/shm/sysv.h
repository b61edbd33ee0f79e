// SPDX-License-Identifier: Apache-2.0
// SysV segments: making and attaching them, and what the kernel tells of them.
#pragma once

#include <sys/ipc.h>
#include <sys/shm.h>

#include "oomgate/case.h"

namespace oomgate::shm {

// A new segment: its id, or -1.
inline int MakeSegment(Bytes size, int flags = 0) {
  return shmget(IPC_PRIVATE, Length(size), IPC_CREAT | 0600 | flags);
}
// It is there for as long as it is attached.
inline int TryRemove(int id) { return ErrnoOf(shmctl(id, IPC_RMID, nullptr)); }
// Whether one may be made: 0 or errno. It is removed again.
inline int TrySegment(Bytes size, int flags = 0) {
  const int id = MakeSegment(size, flags);
  return id < 0 ? errno : TryRemove(id);
}

inline Range Attach(Trace& trace, int id, Bytes size, int flags = 0) {
  void* const at = Must(trace, "shmat", shmat(id, nullptr, flags));
  return {.start = static_cast<char*>(at), .size = size};
}
inline int TryDetach(const Range& range) { return ErrnoOf(shmdt(range.start)); }

// What the kernel says of one: 0 or errno.
inline int TryState(int id, shmid_ds& state) {
  return ErrnoOf(shmctl(id, IPC_STAT, &state));
}

// How many there are, and their pages: all, and those in memory.
inline shm_info AllSegments() {
  shm_info info = {};
  shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&info));
  return info;
}
inline std::int64_t SegmentIds() { return AllSegments().used_ids; }
inline std::int64_t SegmentPages() {
  return static_cast<std::int64_t>(AllSegments().shm_tot);
}
inline std::int64_t SegmentRss() {
  return static_cast<std::int64_t>(AllSegments().shm_rss);
}

}  // namespace oomgate::shm
