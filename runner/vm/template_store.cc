// SPDX-License-Identifier: Apache-2.0
// A template is made in a folder of another name and renamed when it is whole,
// so that what was cut off is never found; what is found is read against its
// seal, so that what was damaged later is not used either.
#include "runner/vm/template_store.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "oomgate/model/json.h"
#include "runner/cache_folder.h"
#include "runner/error.h"
#include "runner/file_descriptor.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSeal = "seal.json";
constexpr const char* kLock = "lock";
constexpr const char* kNew = ".new-";
constexpr std::size_t kBlock = 4096;

// Digest of a file that is mostly holes: of its size and of every block that
// is not zero. "" where it cannot be read.
std::string DigestOf(const fs::path& path) {
  const FileDescriptor file(path, O_RDONLY);
  const off_t size = file.get() < 0 ? -1 : ::lseek(file.get(), 0, SEEK_END);
  if (size < 0) return "";
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(
      XXH3_createState(), &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  XXH3_128bits_update(state.get(), &size, sizeof size);
  std::vector<char> buffer(256 * kBlock);
  static constexpr std::array<char, kBlock> kZero{};
  off_t at = 0;
  while ((at = ::lseek(file.get(), at, SEEK_DATA)) >= 0 && at < size) {
    at -= at % static_cast<off_t>(kBlock);
    const ssize_t n = ::pread(file.get(), buffer.data(), buffer.size(), at);
    if (n <= 0) return "";
    for (ssize_t i = 0; i < n; i += kBlock) {
      const auto length =
          std::min<std::size_t>(kBlock, static_cast<std::size_t>(n - i));
      if (std::equal(kZero.begin(), kZero.begin() + length,
                     buffer.data() + i)) {
        continue;
      }
      const off_t offset = at + i;
      XXH3_128bits_update(state.get(), &offset, sizeof offset);
      XXH3_128bits_update(state.get(), buffer.data() + i, length);
    }
    at += n;
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return Digest(
      std::string_view(reinterpret_cast<const char*>(&hash), sizeof hash));
}

Json SealOf(const fs::path& folder, const std::string& key) {
  Json files = Json::object();
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name != kSeal && name != kLock) files[name] = DigestOf(entry.path());
  }
  return {{"key", key}, {"files", std::move(files)}};
}

bool IsWhole(const fs::path& folder, const std::string& key) {
  try {
    const Json seal = Json::parse(LoadBytes(folder / kSeal));
    return seal == SealOf(folder, key);
  } catch (const std::exception&) {
    return false;
  }
}

// Removes the folder unless somebody holds its lock.
bool RemoveUnused(const fs::path& folder) {
  const FileDescriptor lock(folder / kLock, O_RDWR | O_CREAT);
  if (lock.get() >= 0 && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return false;
  }
  std::error_code ignored;
  fs::remove(folder / kSeal, ignored);  // first: without it, it is none
  fs::remove_all(folder, ignored);
  return true;
}

Bytes OnDisk(const fs::path& folder) {
  Bytes size;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    struct stat about = {};
    if (::stat(entry.path().c_str(), &about) == 0) {
      size += about.st_blocks * 512_B;
    }
  }
  return size;
}

std::vector<fs::path> FoldersIn(const fs::path& root) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    if (entry.is_directory(error)) folders.push_back(entry.path());
  }
  return folders;
}

bool IsLeftover(const fs::path& folder) {
  return folder.filename().string().starts_with(kNew);
}

}  // namespace

Template::~Template() {
  if (lock_ >= 0) ::close(lock_);
}

Template::Template(Template&& other) noexcept
    : folder_(std::move(other.folder_)),
      lock_(std::exchange(other.lock_, -1)) {}

TemplateStore::TemplateStore(fs::path root, Bytes limit)
    : root_(std::move(root)), limit_(limit) {}

fs::path TemplateStore::DefaultRoot() { return CacheFolder() / "templates"; }

fs::path TemplateStore::FolderOf(const std::string& key) const {
  return root_ / Digest(key);
}

std::optional<Template> TemplateStore::Find(const std::string& key) {
  const fs::path folder = FolderOf(key);
  FileDescriptor lock(folder / kLock, O_RDWR);
  if (lock.get() < 0 || ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0) {
    return std::nullopt;
  }
  if (!IsWhole(folder, key)) {
    // Ours is a lock, too.
    ::flock(lock.get(), LOCK_UN);
    RemoveUnused(folder);
    return std::nullopt;
  }
  std::error_code ignored;  // the order in which they go
  fs::last_write_time(folder / kSeal, fs::file_time_type::clock::now(),
                      ignored);
  return Template(folder, lock.Release());
}

Template TemplateStore::Add(const std::string& key,
                            const std::function<void(const fs::path&)>& fill) {
  std::error_code error;
  fs::create_directories(root_, error);
  RemoveLeftovers();
  const TemporaryFolder made(root_, kNew);
  // Held while it is made: whose is not held was cut off.
  FileDescriptor lock(made.path() / kLock, O_RDWR | O_CREAT);
  if (lock.get() < 0 || ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0) {
    throw UserError(made.path().string() + ": cannot be locked");
  }
  fill(made.path());
  SaveBytes(made.path() / kSeal, SealOf(made.path(), key).dump() + "\n");
  const fs::path folder = FolderOf(key);
  fs::rename(made.path(), folder, error);
  if (error) {
    // Somebody else was faster, or a damaged one is still in use.
    if (auto other = Find(key)) return std::move(*other);
    throw UserError(folder.string() + ": " + error.message());
  }
  MakeRoom();
  return Template(folder, lock.Release());
}

void TemplateStore::Condemn(const std::string& key) {
  std::error_code ignored;
  fs::remove(FolderOf(key) / kSeal, ignored);
}

Bytes TemplateStore::Size() const {
  Bytes size;
  for (const fs::path& folder : FoldersIn(root_)) size += OnDisk(folder);
  return size;
}

int TemplateStore::Count() const {
  int count = 0;
  for (const fs::path& folder : FoldersIn(root_)) {
    count += IsLeftover(folder) ? 0 : 1;
  }
  return count;
}

void TemplateStore::Clean() {
  for (const fs::path& folder : FoldersIn(root_)) RemoveUnused(folder);
}

void TemplateStore::MakeRoom() {
  std::vector<std::pair<fs::file_time_type, fs::path>> oldest;
  for (const fs::path& folder : FoldersIn(root_)) {
    std::error_code error;
    const auto used = fs::last_write_time(folder / kSeal, error);
    if (!error) oldest.emplace_back(used, folder);
  }
  std::ranges::sort(oldest);
  Bytes size = Size();
  for (const auto& [used, folder] : oldest) {
    if (size <= limit_) return;
    const Bytes frees = OnDisk(folder);
    if (RemoveUnused(folder)) size = size - frees;
  }
}

void TemplateStore::RemoveLeftovers() const {
  for (const fs::path& folder : FoldersIn(root_)) {
    if (IsLeftover(folder)) RemoveUnused(folder);
  }
}

}  // namespace oomgate
