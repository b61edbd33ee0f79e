// SPDX-License-Identifier: Apache-2.0
// A connection to QEMU: a socket pair whose other end it inherits, so that
// there is no name that anybody else could connect to.
#pragma once

#include <string>
#include <string_view>

namespace oomgate {

class QemuSocket {
 public:
  QemuSocket();  // throws HarnessError
  ~QemuSocket();
  QemuSocket(const QemuSocket&) = delete;
  QemuSocket& operator=(const QemuSocket&) = delete;

  int ours() const { return ours_; }  // -1 once the other end is gone
  int theirs() const { return theirs_; }
  void CloseTheirs();

  // Appends what is there to read, at most `most` bytes; never waits. Closes
  // our end at the end of the stream.
  void Read(std::string& out, std::size_t most = 256 << 10);
  // False where not all could be written at once. `descriptor` goes with them.
  bool Write(std::string_view bytes, int descriptor = -1);

 private:
  int ours_ = -1;
  int theirs_ = -1;
};

}  // namespace oomgate
