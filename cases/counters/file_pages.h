// SPDX-License-Identifier: Apache-2.0
// Pages of the page cache that belong to a file, not to shared memory: guests
// have none but those of ramfs, as / and /tmp are tmpfs.
#pragma once

#include <sys/mount.h>

#include "oomgate/case.h"

namespace oomgate {

// A file of `size`, all of it present and clean. It is gone once it is closed
// and unmapped. Needs root, so: .alone.
inline int OpenCleanFile(Trace& trace, Bytes size) {
  constexpr const char* kFolder = "/tmp/oomgate-ramfs";
  constexpr const char* kFile = "/tmp/oomgate-ramfs/file";
  mkdir(kFolder, 0700);
  Must(trace, "mount of ramfs", mount("oomgate", kFolder, "ramfs", 0, nullptr));
  const int fd = open(kFile, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int error = fd < 0 || ftruncate(fd, size.count) != 0 ? errno : 0;
  umount2(kFolder, MNT_DETACH);
  rmdir(kFolder);
  if (error != 0) trace.Stop("a file in ramfs", error);
  // Reading a hole makes a clean page of it.
  char byte = 0;
  for (Bytes at; at < size; at += kPage) {
    if (pread(fd, &byte, 1, at.count) != 1) trace.Stop("pread", errno);
  }
  return fd;
}

}  // namespace oomgate
