// SPDX-License-Identifier: Apache-2.0
// What libarchive opens: a compressed file, and the members of an archive
// (ar, tar with any compression) that lies in memory.
#include "runner/kernel/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "runner/error.h"

namespace oomgate {
namespace {

// Appends the rest of the current member; false where that fails.
bool ReadMember(archive* a, std::size_t limit, std::string& out) {
  for (;;) {
    const std::size_t step = 1 << 20;
    const std::size_t before = out.size();
    out.resize(before + step);
    const la_ssize_t n = archive_read_data(a, out.data() + before, step);
    out.resize(before + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n == 0) return true;
    if (n < 0 || out.size() > limit) return false;
  }
}

}  // namespace

std::optional<std::string> Decompress(std::string_view bytes,
                                      std::size_t limit) {
  std::unique_ptr<archive, int (*)(archive*)> a(archive_read_new(),
                                                archive_read_free);
  // Warnings: a filter that needs an absent program. The open fails then.
  archive_read_support_filter_all(a.get());
  archive_read_support_format_raw(a.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(a.get(), bytes.data(), bytes.size()) !=
          ARCHIVE_OK ||
      archive_read_next_header(a.get(), &entry) != ARCHIVE_OK) {
    return std::nullopt;
  }
  std::string out;
  if (!ReadMember(a.get(), limit, out)) return std::nullopt;
  return out;
}

ArchiveReader::ArchiveReader(std::string name, std::string_view bytes)
    : name_(std::move(name)), archive_(archive_read_new()) {
  archive_read_support_filter_all(archive_);
  archive_read_support_format_ar(archive_);
  archive_read_support_format_tar(archive_);
  if (archive_read_open_memory(archive_, bytes.data(), bytes.size()) !=
      ARCHIVE_OK) {
    const std::string why = archive_error_string(archive_);
    archive_read_free(archive_);
    throw UserError(fmt::format("{}: not an archive: {}", name_, why));
  }
}

ArchiveReader::~ArchiveReader() { archive_read_free(archive_); }

void ArchiveReader::Fail() const {
  const char* why = archive_error_string(archive_);
  throw UserError(fmt::format("{}: damaged: {}; get the file again", name_,
                              why != nullptr ? why : "unexpected end"));
}

bool ArchiveReader::Next() {
  const int status = archive_read_next_header(archive_, &entry_);
  if (status == ARCHIVE_EOF) return false;
  if (status < ARCHIVE_WARN) Fail();
  return true;
}

std::string ArchiveReader::path() const {
  const char* name = archive_entry_pathname(entry_);
  std::string path = name != nullptr ? name : "";
  while (path.starts_with("./")) path.erase(0, 2);
  return path;
}

bool ArchiveReader::IsFile() const {
  return archive_entry_filetype(entry_) == AE_IFREG &&
         archive_entry_hardlink(entry_) == nullptr;
}

std::string ArchiveReader::Read() {
  std::string out;
  if (!ReadMember(archive_, 4ULL << 30, out)) Fail();
  return out;
}

}  // namespace oomgate
