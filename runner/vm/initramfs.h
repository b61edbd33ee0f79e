// SPDX-License-Identifier: Apache-2.0
// What a guest finds in its root folder: a newc cpio archive, made in memory.
// The kernel unpacks archives that follow each other, later files on top.
#pragma once

#include <string>
#include <vector>

namespace oomgate {

struct InitramfsFile {
  std::string path;  // "bin/oomgate-cases"; its folders need no entry
  int mode = 0644;   // permissions
  std::string bytes;
};

// With /dev/console and /dev/null, without which PID 1 has no output.
std::string PackInitramfs(const std::vector<InitramfsFile>& files);
// Files only: what differs between guests, to append to the above.
std::string PackSegment(const std::vector<InitramfsFile>& files);

// The bytes of a file. Throws HarnessError, naming it, where it has none.
std::string ReadWholeFile(const std::string& path);
// Throws UserError: it lies in the results folder, which the user chose.
void WriteWholeFile(const std::string& path, const std::string& first,
                    const std::string& second);

}  // namespace oomgate
