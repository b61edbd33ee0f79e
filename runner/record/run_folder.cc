// SPDX-License-Identifier: Apache-2.0
// Writes beside the file and renames: run.json is whole at any moment.
#include "runner/record/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "oomgate/model/json.h"
#include "runner/error.h"
#include "runner/profile/profile_file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScratch = "scratch";

std::string UtcText(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, format, &utc);
  return text;
}

UserError CannotWrite(const fs::path& file, int cause) {
  std::string text =
      "cannot write " + file.string() + ": " + std::strerror(cause);
  if (cause == ENOSPC || cause == EDQUOT) {
    text += "; free some space, or name another folder with --results";
  }
  return UserError(text);
}

// errno, or 0 when all of it is written.
int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

int SyncFolder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  // A file system that cannot sync a folder has nothing to sync.
  const int cause = ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
  ::close(fd);
  return cause;
}

fs::path MakeFolder(const fs::path& results) {
  const auto cannot = [&](const std::string& why) {
    return UserError("cannot make a results folder in " + results.string() +
                     ": " + why + "; name another one with --results");
  };
  std::error_code error;
  fs::create_directories(results, error);
  if (error) throw cannot(error.message());
  const std::string time = UtcText("%Y%m%dT%H%M%SZ");
  for (int n = 1; n < 1000; ++n) {
    const fs::path path =
        results / (n == 1 ? time : time + "-" + std::to_string(n));
    if (fs::create_directory(path, error)) return path;
    if (error) throw cannot(error.message());
  }
  throw cannot("too many runs in this second");
}

}  // namespace

void SaveRun(const fs::path& folder, const Run& run) {
  const fs::path run_json = folder / "run.json";
  const fs::path temporary = folder / "run.json.new";
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) throw CannotWrite(temporary, errno);
  int cause = WriteAll(fd, ToJsonText(run));
  if (cause == 0 && ::fsync(fd) != 0) cause = errno;
  if (::close(fd) != 0 && cause == 0) cause = errno;
  if (cause == 0 && ::rename(temporary.c_str(), run_json.c_str()) != 0) {
    cause = errno;
  }
  if (cause == 0) cause = SyncFolder(folder);
  if (cause != 0) {
    ::unlink(temporary.c_str());
    throw CannotWrite(run_json, cause);
  }
}

RunFolder::RunFolder(const fs::path& results) : path_(MakeFolder(results)) {
  const fs::path file = path_ / "records.jsonl";
  records_ = ::open(file.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (records_ < 0) throw CannotWrite(file, errno);
  // Released by the kernel even where this process is killed.
  ::flock(records_, LOCK_EX | LOCK_NB);
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  fs::remove_all(path_ / kScratch, ignored);
  ::close(records_);
}

fs::path RunFolder::Scratch(bool keep) {
  const fs::path folder = path_ / (keep ? "kept" : kScratch);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw CannotWrite(folder, error.value());
  return folder;
}

void RunFolder::Append(std::string_view record) {
  std::string line(record);
  line += '\n';
  if (const int cause = WriteAll(records_, line)) {
    throw CannotWrite(path_ / "records.jsonl", cause);
  }
}

void RunFolder::Append(const Profile& profile) {
  const fs::path file = path_ / kProfileFile;
  const int fd =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) throw CannotWrite(file, errno);
  const int cause = WriteAll(fd, Json(profile).dump() + "\n");
  ::close(fd);
  if (cause != 0) throw CannotWrite(file, cause);
}

void RemoveLeftoverScratch(const fs::path& results) {
  std::error_code ignored;
  for (const auto& run : fs::directory_iterator(results, ignored)) {
    const fs::path scratch = run.path() / kScratch;
    if (!fs::exists(scratch, ignored)) continue;
    const fs::path file = run.path() / "records.jsonl";
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) fs::remove_all(scratch, ignored);
    ::close(fd);
  }
}

std::string ToJsonText(const Run& run) {
  return Json(run).dump(2, ' ', /*ensure_ascii=*/false,
                        Json::error_handler_t::replace) +
         "\n";
}

std::string UtcNow() { return UtcText("%Y-%m-%dT%H:%M:%SZ"); }

}  // namespace oomgate
