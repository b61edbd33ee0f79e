// SPDX-License-Identifier: Apache-2.0
// Putting pages into a mapping by userfaultfd(2), as a pager does.
#pragma once

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "oomgate/case.h"

namespace oomgate {

// Old headers lack it (5.19): write protection of shared memory.
inline constexpr __u64 kUffdWpShmem = 1 << 12;

// A probe: why there is none that has these features (UFFD_FEATURE_…), "" where
// there is.
inline std::string WhyNoUserfaultfd(__u64 features) {
  const int fd = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
  if (fd < 0) return "userfaultfd is not allowed, or this kernel has none";
  uffdio_api api = {};
  api.api = UFFD_API;
  const bool asked = ioctl(fd, UFFDIO_API, &api) == 0;
  close(fd);
  if (!asked) return "userfaultfd has another interface";
  return (api.features & features) == features
             ? ""
             : "userfaultfd of this kernel lacks a feature";
}
inline std::string WhyNoUserfaultfd(const Params&, const Facts&) {
  return WhyNoUserfaultfd(0);
}

// A descriptor for the memory of the process that makes it; a child that has it
// works on its parent's.
class Userfaultfd {
 public:
  // `features` are UFFD_FEATURE_….
  explicit Userfaultfd(Trace& trace, __u64 features = 0) : trace_(trace) {
    // Else poll(2) of it is an error.
    fd_ = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
    if (fd_ < 0) trace.Stop("userfaultfd", errno);
    uffdio_api api = {};
    api.api = UFFD_API;
    api.features = features;
    if (ioctl(fd_, UFFDIO_API, &api) != 0) trace.Stop("UFFDIO_API", errno);
  }
  ~Userfaultfd() { Close(); }
  Userfaultfd(const Userfaultfd&) = delete;
  Userfaultfd& operator=(const Userfaultfd&) = delete;

  int fd() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  // Who touches a page of the range that is not there (…_MODE_MISSING), or
  // writes to one that is protected (…_MODE_WP), waits for the pager.
  void Register(const Range& range, __u64 mode = UFFDIO_REGISTER_MODE_MISSING) {
    uffdio_register ask = {};
    ask.range = Of(range);
    ask.mode = mode;
    if (ioctl(fd_, UFFDIO_REGISTER, &ask) != 0) {
      trace_.Stop("UFFDIO_REGISTER", errno);
    }
  }
  // 0, or errno.
  int Unregister(const Range& range) {
    uffdio_range ask = Of(range);
    return ioctl(fd_, UFFDIO_UNREGISTER, &ask) == 0 ? 0 : errno;
  }
  int Wake(const Range& range) {
    uffdio_range ask = Of(range);
    return ioctl(fd_, UFFDIO_WAKE, &ask) == 0 ? 0 : errno;
  }
  // Protects pages from being written, or lets those who wait go on: 0, or
  // errno.
  int Protect(const Range& range, bool protect) {
    uffdio_writeprotect ask = {};
    ask.range = Of(range);
    ask.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0;
    return ioctl(fd_, UFFDIO_WRITEPROTECT, &ask) == 0 ? 0 : errno;
  }
  // Bytes that were put there; an errno, negative, where none were.
  std::int64_t Copy(const Range& range, const char* from, __u64 mode = 0) {
    uffdio_copy ask = {};
    ask.dst = Of(range).start;
    ask.src = reinterpret_cast<std::uintptr_t>(from);
    ask.len = Of(range).len;
    ask.mode = mode;
    return ioctl(fd_, UFFDIO_COPY, &ask) == 0 || ask.copy != 0 ? ask.copy
                                                               : -errno;
  }
  std::int64_t Zero(const Range& range) {
    uffdio_zeropage ask = {};
    ask.range = Of(range);
    return ioctl(fd_, UFFDIO_ZEROPAGE, &ask) == 0 || ask.zeropage != 0
               ? ask.zeropage
               : -errno;
  }

 private:
  static uffdio_range Of(const Range& range) {
    return {reinterpret_cast<std::uintptr_t>(range.start),
            static_cast<__u64>(range.size.count)};
  }

  Trace& trace_;
  int fd_ = -1;
};

}  // namespace oomgate
