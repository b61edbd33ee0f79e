// SPDX-License-Identifier: Apache-2.0
// A shared file mapping is the file: writes are seen at once, and msync writes
// back what it is given, MS_ASYNC nothing. A private one is never written back.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kPart = 1_MiB;
constexpr char kOld = 3;
constexpr char kNew = 4;

char page[kPage.count];

int Sync(const Range& range, int flags) {
  return msync(range.start, Length(range.size), flags) == 0 ? 0 : errno;
}

// Bytes that the disk was given to write, since it is there.
class Disk {
 public:
  explicit Disk(Trace& trace) : fd_(open(kScratchDisk, O_RDWR | O_CLOEXEC)) {
    struct stat node = {};
    if (fd_ < 0 || fstat(fd_, &node) != 0) {
      trace.Stop("open of the scratch disk", errno);
    }
    std::snprintf(path_, sizeof path_, "/sys/dev/block/%u:%u/stat",
                  major(node.st_rdev), minor(node.st_rdev));
  }
  ~Disk() { close(fd_); }
  int fd() const { return fd_; }
  Bytes Written() const {
    char text[256] = "";
    const int stat = open(path_, O_RDONLY | O_CLOEXEC);
    (void)!read(stat, text, sizeof text - 1);
    close(stat);
    long long sectors = 0;  // the seventh number
    std::sscanf(text, "%*d %*d %*d %*d %*d %*d %lld", &sectors);
    return sectors * 512_B;
  }
  // The first byte of a page, as read(2) sees it.
  char At(Bytes offset) const {
    char byte = 0;
    (void)!pread(fd_, &byte, 1, offset.count);
    return byte;
  }

 private:
  int fd_;
  char path_[64];
};

Range Map(Trace& trace, const Disk& disk, int sharing) {
  void* const at = mmap(nullptr, Length(kSize), PROT_READ | PROT_WRITE, sharing,
                        disk.fd(), 0);
  if (at == MAP_FAILED) trace.Stop("mmap of the scratch disk", errno);
  return {.start = static_cast<char*>(at), .size = kSize};
}

void Fill(const Range& range, char value) {
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    *static_cast<volatile char*>(at) = value;
  }
}

Bytes Dirty(const Range& range) {
  return MappingField(range, "Private_Dirty") +
         MappingField(range, "Shared_Dirty");
}

void WriteBack(Trace& trace, const Disk& disk) {
  const Range range = Map(trace, disk, MAP_SHARED);
  Fill(range, kOld);
  if (fsync(disk.fd()) != 0) trace.Stop("fsync", errno);
  trace.Set("clean", Dirty(range));

  Fill(range, kNew);
  trace.Set("dirty", Dirty(range));
  trace.Set("seen_by_read", disk.At(kPart));
  const Bytes before = disk.Written();
  trace.Set("async_errno", Sync(range, MS_ASYNC));
  trace.Set("invalidate_errno", Sync(range, MS_INVALIDATE));
  trace.Set("async_dirty", Dirty(range));
  trace.Set("async_written", disk.Written() - before);
  trace.Set("part_errno", Sync(range.Part(kPart, kPart), MS_SYNC));
  trace.Set("part_dirty", Dirty(range));
  trace.Set("part_written", disk.Written() - before);
  trace.Set("sync_errno", Sync(range, MS_SYNC));
  trace.Set("sync_dirty", Dirty(range));
  trace.Set("sync_written", disk.Written() - before);
  trace.Set("again_errno", Sync(range, MS_SYNC));
  trace.Set("again_written", disk.Written() - before);
  trace.Set("sync_rss", ReadMapping(range).rss);

  // Clean and dirty pages alike can be unmapped: the file has them.
  Fill(range.Part(0_B, kPart), kOld);
  trace.Set("dontneed_errno", TryAdvise(range, MADV_DONTNEED));
  trace.Set("dontneed_rss", ReadMapping(range).rss);
  trace.Set("dontneed_other",
            CountOther(range.Part(0_B, kPart), kOld) +
                CountOther(range.Part(kPart, kSize - kPart), kNew));
  munmap(range.start, Length(kSize));
}

void Private(Trace& trace, const Disk& disk) {
  const Range shared = Map(trace, disk, MAP_SHARED);
  Fill(shared, kOld);
  Sync(shared, MS_SYNC);
  const Range own = Map(trace, disk, MAP_PRIVATE);
  char* const copied = own.start;
  char* const followed = own.start + kPart.count;
  *static_cast<volatile char*>(copied) = 7;
  (void)*static_cast<volatile char*>(followed);
  const Bytes before = disk.Written();
  trace.Set("private_errno", Sync(own, MS_SYNC));
  trace.Set("private_written", disk.Written() - before);
  trace.Set("private_in_file", disk.At(0_B));
  // The file changes beneath: by the shared mapping, and by write(2).
  *static_cast<volatile char*>(shared.start) = 8;
  page[0] = 9;
  (void)!pwrite(disk.fd(), page, sizeof page, kPart.count);
  trace.Set("copied_byte", *static_cast<volatile char*>(copied));
  trace.Set("followed_byte", *static_cast<volatile char*>(followed));
  trace.Set("shared_byte",
            *static_cast<volatile char*>(shared.start + kPart.count));
  trace.Set("private_anonymous", MappingField(own, "Anonymous"));
  munmap(own.start, Length(kSize));
  munmap(shared.start, Length(kSize));
}

void Errors(Trace& trace, const Disk& disk) {
  const Range range = Map(trace, disk, MAP_SHARED);
  Fill(range, kOld);
  trace.Set("both_errno", Sync(range, MS_SYNC | MS_ASYNC));
  trace.Set("unknown_errno", Sync(range, 64));
  trace.Set("odd_errno", Sync(range.Part(1_B, kPage), MS_SYNC));
  trace.Set("errors_dirty", Dirty(range));
  if (mlock(range.start, Length(kPage)) != 0) trace.Stop("mlock", errno);
  trace.Set("locked_errno", Sync(range, MS_INVALIDATE));
  trace.Set("locked_sync_errno", Sync(range, MS_SYNC));
  munlock(range.start, Length(kPage));
  // A hole is told of after what is behind it was written.
  Fill(range, kNew);
  munmap(range.start + kPart.count, Length(kPart));
  trace.Set("hole_errno", Sync(range, MS_SYNC));
  trace.Set("hole_dirty", Dirty(range));
  munmap(range.start, Length(kSize));
  trace.Set("unmapped_errno", Sync(range, MS_SYNC));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Disk disk(trace);
  WriteBack(trace, disk);
  Private(trace, disk);
  Errors(trace, disk);
  fsync(disk.fd());
  // What was read and written stays in the cache otherwise.
  posix_fadvise(disk.fd(), 0, 0, POSIX_FADV_DONTNEED);
}

Oracle Expect(const Params&, const Facts&) {
  const auto size = [](const char* name, Bytes expected) {
    return Size(name, Eq(expected));
  };
  const auto count = [](const char* name, std::int64_t expected) {
    return Count(name, Eq(expected));
  };
  const Oracle async = AllOf(
      size("clean", 0_B), size("dirty", kSize), count("seen_by_read", kNew),
      count("async_errno", 0), count("invalidate_errno", 0),
      size("async_dirty", kSize), size("async_written", 0_B));
  const Oracle sync =
      AllOf(AllOf(count("part_errno", 0), size("part_dirty", kSize - kPart),
                  size("part_written", kPart), count("sync_errno", 0),
                  size("sync_dirty", 0_B), size("sync_written", kSize)),
            AllOf(count("again_errno", 0), size("again_written", kSize),
                  size("sync_rss", kSize), count("dontneed_errno", 0),
                  size("dontneed_rss", 0_B), count("dontneed_other", 0)));
  const Oracle own =
      AllOf(count("private_errno", 0), size("private_written", 0_B),
            count("private_in_file", kOld), count("copied_byte", 7),
            count("followed_byte", 9), count("shared_byte", 9),
            size("private_anonymous", kPage));
  const Oracle errors =
      AllOf(AllOf(count("both_errno", EINVAL), count("unknown_errno", EINVAL),
                  count("odd_errno", EINVAL), size("errors_dirty", kSize)),
            AllOf(count("locked_errno", EBUSY), count("locked_sync_errno", 0),
                  count("hole_errno", ENOMEM), size("hole_dirty", 0_B),
                  count("unmapped_errno", ENOMEM)));
  return AllOf(Survives(), async, sync, own, errors);
}

const Register kSemantics{
    {.id = "msync/semantics",
     .summary = "msync writes back what it is given; MS_ASYNC and private "
                "mappings nothing",
     .explains =
         {.claim = "Seed 1: msync; msync(2): \"MS_ASYNC is a no-op since "
                   "Linux 2.6.19\"",
          .deed = "writes a disk through shared and private mappings, and "
                  "counts what msync sends to it",
          .functions = "msync, vfs_fsync_range, folio_mkclean, do_wp_page",
          .look_at = "<step>_dirty is what the mapping says, <step>_written "
                     "what the disk got"},
     .needs = {.disk = 64_MiB},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "sync_written", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
