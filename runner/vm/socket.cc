// SPDX-License-Identifier: Apache-2.0
// A connection to QEMU: a socket pair, non-blocking at our end only.
#include "runner/vm/socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runner/error.h"

namespace oomgate {

QemuSocket::QemuSocket() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw HarnessError(std::string("cannot make a socket pair for a guest: ") +
                       std::strerror(errno));
  }
  ours_ = ends[0];
  theirs_ = ends[1];
  fcntl(ours_, F_SETFL, O_NONBLOCK);
}

QemuSocket::~QemuSocket() {
  CloseTheirs();
  if (ours_ >= 0) close(ours_);
}

void QemuSocket::CloseTheirs() {
  if (theirs_ >= 0) close(theirs_);
  theirs_ = -1;
}

void QemuSocket::Read(std::string& out, std::size_t most) {
  char buffer[16384];
  while (ours_ >= 0 && most > 0) {
    const ssize_t n = read(ours_, buffer, std::min(most, sizeof buffer));
    if (n > 0) {
      out.append(buffer, static_cast<std::size_t>(n));
      most -= static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && errno == EAGAIN) {
      return;
    } else {  // QEMU has gone: poll() would report that for ever
      close(ours_);
      ours_ = -1;
    }
  }
}

bool QemuSocket::Write(std::string_view bytes, int descriptor) {
  if (ours_ < 0) return false;
  iovec data = {const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptor)] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  return sendmsg(ours_, &message, MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

}  // namespace oomgate
