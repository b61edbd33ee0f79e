// SPDX-License-Identifier: Apache-2.0
// A guest's root folder as newc cpio, by libarchive. Uncompressed: unpacking
// xz costs a TCG guest most of a second.
#include "runner/vm/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "runner/error.h"

namespace oomgate {
namespace {

class Writer {
 public:
  Writer() : archive_(archive_write_new(), &archive_write_free) {
    Check(archive_write_set_format_cpio_newc(archive_.get()));
    Check(
        archive_write_open(archive_.get(), &bytes_, nullptr, &Append, nullptr));
  }

  void Folder(const std::string& path) {
    if (path.empty() || !folders_.insert(path).second) return;
    Folder(std::filesystem::path(path).parent_path());
    Write(path, S_IFDIR | 0755, 0, "");
  }
  void Device(const std::string& path, int permissions, unsigned major,
              unsigned minor) {
    Folder(std::filesystem::path(path).parent_path());
    Write(path, S_IFCHR | permissions, makedev(major, minor), "");
  }
  void File(const InitramfsFile& file) {
    Folder(std::filesystem::path(file.path).parent_path());
    Write(file.path, S_IFREG | file.mode, 0, file.bytes);
  }

  std::string Finish() {
    Check(archive_write_close(archive_.get()));
    return std::move(bytes_);
  }

 private:
  static la_ssize_t Append(archive*, void* bytes, const void* data,
                           std::size_t size) {
    static_cast<std::string*>(bytes)->append(static_cast<const char*>(data),
                                             size);
    return static_cast<la_ssize_t>(size);
  }

  void Check(la_ssize_t result) {
    if (result < ARCHIVE_OK) {
      throw HarnessError(std::string("cannot pack a guest's initramfs: ") +
                         archive_error_string(archive_.get()));
    }
  }

  void Write(const std::string& path, int mode, dev_t device,
             const std::string& bytes) {
    std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(
        archive_entry_new(), &archive_entry_free);
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_mode(entry.get(), static_cast<mode_t>(mode));
    archive_entry_set_rdev(entry.get(), device);
    archive_entry_set_nlink(entry.get(), 1);
    archive_entry_set_mtime(entry.get(), 0, 0);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    Check(archive_write_header(archive_.get(), entry.get()));
    Check(archive_write_data(archive_.get(), bytes.data(), bytes.size()));
  }

  std::string bytes_;
  std::set<std::string> folders_;
  std::unique_ptr<archive, decltype(&archive_write_free)> archive_;
};

}  // namespace

std::string PackInitramfs(const std::vector<InitramfsFile>& files) {
  Writer writer;
  writer.Device("dev/console", 0600, 5, 1);
  writer.Device("dev/null", 0666, 1, 3);
  for (const char* folder : {"proc", "sys", "tmp"}) writer.Folder(folder);
  for (const InitramfsFile& file : files) writer.File(file);
  return writer.Finish();
}

std::string PackSegment(const std::vector<InitramfsFile>& files) {
  Writer writer;
  for (const InitramfsFile& file : files) writer.File(file);
  return writer.Finish();
}

std::string ReadWholeFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)),
                    std::istreambuf_iterator<char>());
  if (bytes.empty()) {
    throw HarnessError(path + ": missing or empty, and a guest needs it: " +
                       "reinstall oomgate, or build all targets");
  }
  return bytes;
}

void WriteWholeFile(const std::string& path, const std::string& first,
                    const std::string& second) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << first << second;
  out.close();
  if (!out) {
    throw UserError("cannot write " + path +
                    ": free some space there, or name another folder with "
                    "--results");
  }
}

}  // namespace oomgate
