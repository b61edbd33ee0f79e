// SPDX-License-Identifier: Apache-2.0
// File pages of the scratch disk: reading and writing some, and how many are in
// memory.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {

// The last to close a disk drops its pages: somebody keeps it open meanwhile.
inline void ReadDisk(Trace& trace, Bytes from, Bytes size) {
  constexpr Bytes kChunk = 64_KiB;
  static char chunk[kChunk.count];
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  if (disk < 0) trace.Stop("open of the scratch disk", errno);
  // Not ahead of the reader: what is read is what is charged.
  posix_fadvise(disk, 0, 0, POSIX_FADV_RANDOM);
  for (Bytes at = from; at < from + size; at += kChunk) {
    if (pread(disk, chunk, sizeof chunk, at.count) !=
        static_cast<ssize_t>(sizeof chunk)) {
      trace.Stop("read of the scratch disk", errno);
    }
  }
  close(disk);
}

// Leaves them dirty, for as long as nothing writes them back.
inline void WriteDisk(Trace& trace, int disk, Bytes from, Bytes size) {
  constexpr Bytes kChunk = 64_KiB;
  static char chunk[kChunk.count];
  for (Bytes at = from; at < from + size; at += kChunk) {
    if (pwrite(disk, chunk, sizeof chunk, at.count) !=
        static_cast<ssize_t>(sizeof chunk)) {
      trace.Stop("write to the scratch disk", errno);
    }
  }
}

// A need: nothing is written back by itself within an hour. 0 would mean at
// once to some kernels.
inline Setting NoWriteback() {
  return {"/proc/sys/vm/dirty_writeback_centisecs", "360000"};
}

// How much of a part of the disk is in the page cache: by mincore, which is
// exact at any time, other than memory.stat. A part has up to 64 MiB.
inline Bytes CachedOfDisk(Trace& trace, int disk, Bytes from, Bytes size) {
  static unsigned char present[64_MiB / kPage];
  const std::size_t length = Length(size);
  void* at = mmap(nullptr, length, PROT_READ, MAP_SHARED, disk, from.count);
  if (at == MAP_FAILED || mincore(at, length, present) != 0) {
    trace.Stop("mincore of the scratch disk", errno);
  }
  munmap(at, length);
  Bytes cached;
  for (std::int64_t i = 0; i < size / kPage; ++i) {
    if ((present[i] & 1) != 0) cached += kPage;
  }
  return cached;
}

}  // namespace oomgate
