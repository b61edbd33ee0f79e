// SPDX-License-Identifier: Apache-2.0
// What libarchive opens: a compressed file, and the members of an archive
// (ar, tar with any compression) that lies in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct archive;
struct archive_entry;

namespace oomgate {

// The bytes behind gzip, xz, zstd, lz4 …; bytes without compression as they
// are. Nothing where they are damaged, libarchive does not know the format, or
// there are more than `limit` of them.
std::optional<std::string> Decompress(std::string_view bytes,
                                      std::size_t limit = 2ULL << 30);

class ArchiveReader {
 public:
  // `name` is what errors call the archive; `bytes` must outlive the reader.
  ArchiveReader(std::string name, std::string_view bytes);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  // Goes to the next member; false after the last. Throws UserError where the
  // archive is damaged.
  bool Next();
  // Without a leading "./".
  std::string path() const;
  bool IsFile() const;  // neither folder nor any kind of link
  std::string Read();   // the whole member

 private:
  [[noreturn]] void Fail() const;

  std::string name_;
  archive* archive_;
  archive_entry* entry_ = nullptr;
};

}  // namespace oomgate
