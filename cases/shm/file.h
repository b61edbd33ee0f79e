// SPDX-License-Identifier: Apache-2.0
// Files in memory: what they hold, holes in them, and a mount of one's own for
// some.
#pragma once

#include <sys/mount.h>
#include <sys/vfs.h>

#include "oomgate/case.h"

namespace oomgate::shm {

inline constexpr int kRw = PROT_READ | PROT_WRITE;

// What a file has in blocks; -1 B where it cannot be asked.
inline Bytes BlocksOf(int file) {
  struct stat of = {};
  return fstat(file, &of) == 0 ? of.st_blocks * 512_B : Bytes{-1};
}

// Takes a part of a file, which keeps its size: 0 or errno.
inline int TryPunch(int file, Bytes from, Bytes size) {
  return ErrnoOf(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           from.count, size.count));
}

// One field of /proc/meminfo once what the CPUs hold back is folded in.
inline Bytes Folded(const char* field) {
  RefreshVmstat();
  return Meminfo(field);
}

// A mount for the case alone: its folder is there as long as it is mounted.
inline constexpr const char* kFolder = "/tmp/oomgate-shm";
inline constexpr const char* kPath = "/tmp/oomgate-shm/file";

// An act: mounts it, or with MS_REMOUNT changes its options.
inline auto Mount(const char* type, const char* options,
                  unsigned long flags = 0) {
  return [=] {
    mkdir(kFolder, 0700);
    const int error = ErrnoOf(mount("none", kFolder, type, flags, options));
    if (error != 0) rmdir(kFolder);  // not if it is in use
    return error;
  };
}
inline int Unmount() {
  const int error = ErrnoOf(umount(kFolder));
  rmdir(kFolder);
  return error;
}

// What statfs(2) tells of it; -1 where it is not mounted.
inline std::int64_t FreeBlocks() {
  struct statfs of = {};
  return statfs(kFolder, &of) == 0 ? static_cast<std::int64_t>(of.f_bfree) : -1;
}
inline std::int64_t FreeInodes() {
  struct statfs of = {};
  return statfs(kFolder, &of) == 0 ? static_cast<std::int64_t>(of.f_ffree) : -1;
}

// The file kPath of the mount, made where it is not there.
inline int OpenFile(Trace& trace) {
  return Must(trace, kPath, open(kPath, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
}

}  // namespace oomgate::shm
