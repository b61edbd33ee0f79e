// SPDX-License-Identifier: Apache-2.0
// A shared file mapping is the file: writes are seen at once, and msync writes
// back what it is given, MS_ASYNC nothing. A private one is never written back.
#include <sys/sysmacros.h>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kPart = 1_MiB;
constexpr char kOld = 3;
constexpr char kNew = 4;

char page[kPage.count];

int Sync(const Range& range, int flags) {
  return ErrnoOf(msync(range.start, Length(range.size), flags));
}

void Fill(const Range& range, char value) {
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    *static_cast<volatile char*>(at) = value;
  }
}

struct Mapped : Scene {
  int disk = Must(trace, "open of the scratch disk",
                  open(kScratchDisk, O_RDWR | O_CLOEXEC));
  Range range = Map(MAP_SHARED);
  Range own = {};  // private
  Bytes before = {};

  Range Map(int sharing) const {
    return MapBare(trace, kSize, PROT_READ | PROT_WRITE, sharing, disk);
  }
  // Filled, and on the disk.
  void FillAndSync(char value) const {
    Fill(range, value);
    Must(trace, "fsync", fsync(disk));
  }
  Bytes Dirty() const {
    return MappingField(range, "Private_Dirty") +
           MappingField(range, "Shared_Dirty");
  }
  // Bytes that the disk was given to write, since it is there.
  Bytes DiskWritten() const {
    struct stat node = {};
    Must(trace, "fstat of the scratch disk", fstat(disk, &node));
    char path[64];
    std::snprintf(path, sizeof path, "/sys/dev/block/%u:%u/stat",
                  major(node.st_rdev), minor(node.st_rdev));
    char text[256] = "";
    const int stat = open(path, O_RDONLY | O_CLOEXEC);
    (void)!read(stat, text, sizeof text - 1);
    close(stat);
    long long sectors = 0;  // the seventh number
    std::sscanf(text, "%*d %*d %*d %*d %*d %*d %lld", &sectors);
    return sectors * 512_B;
  }
  Bytes Rss() const { return ReadMapping(range).rss; }
  Bytes Anonymous() const { return MappingField(own, "Anonymous"); }
  // The first byte of a page.
  char InFile(Bytes offset) const {
    char byte = 0;
    (void)!pread(disk, &byte, 1, offset.count);
    return byte;
  }
  static volatile char& At(const Range& mapping, Bytes offset) {
    return mapping.start[offset.count];
  }
};

auto SyncAll(int flags) {
  return [=](Mapped& m) { return Sync(m.range, flags); };
}
Row<Mapped> Dirty(Bytes size) { return {"dirty", &Mapped::Dirty, size}; }
// Since all was dirty.
Row<Mapped> DiskWrote(Bytes size) {
  return {"disk wrote", [](Mapped& m) { return m.DiskWritten() - m.before; },
          size};
}

// As read(2) sees a page, and as a mapping does.
auto InFile(Bytes offset) {
  return [=](Mapped& m) { return m.InFile(offset); };
}
auto In(Range Mapped::*mapping, Bytes offset) {
  return [=](Mapped& m) { return Mapped::At(m.*mapping, offset); };
}

Steps<Mapped> Make(const Params&, const Facts&) {
  constexpr const char* kNothing =
      "it must write nothing; MS_SYNC shows that "
      "what is written is seen";
  return {
      {"fill, fsync",
       [](Mapped& m) { m.FillAndSync(kOld); },
       {Dirty(0_B), {"read", InFile(kPart), kOld}}},
      {"fill again",
       [](Mapped& m) {
         Fill(m.range, kNew);
         m.before = m.DiskWritten();
       },
       {Dirty(kSize), {"read", InFile(kPart), kNew}}},
      StepOf<Mapped>("MS_ASYNC", SyncAll(MS_ASYNC),
                     {Dirty(kSize), DiskWrote(0_B)})
          .HoldsWithout(kNothing),
      StepOf<Mapped>("MS_INVALIDATE", SyncAll(MS_INVALIDATE),
                     {Dirty(kSize), DiskWrote(0_B)})
          .HoldsWithout(kNothing),
      {"MS_SYNC of a quarter",
       [](Mapped& m) { return Sync(m.range.Part(kPart, kPart), MS_SYNC); },
       {Dirty(kSize - kPart), DiskWrote(kPart)}},
      {"MS_SYNC",
       SyncAll(MS_SYNC),
       {Dirty(0_B), DiskWrote(kSize), {"rss", &Mapped::Rss, kSize}}},
      StepOf<Mapped>("MS_SYNC again", SyncAll(MS_SYNC), {DiskWrote(kSize)})
          .HoldsWithout(kNothing),
      // Clean and dirty pages alike can be unmapped: the file has them.
      {"fill a quarter, MADV_DONTNEED",
       [](Mapped& m) {
         Fill(m.range.Part(0_B, kPart), kOld);
         return TryAdvise(m.range, MADV_DONTNEED);
       },
       {{"rss", &Mapped::Rss, 0_B},
        {"other",
         [](Mapped& m) {
           return CountOther(m.range.Part(0_B, kPart), kOld) +
                  CountOther(m.range.Part(kPart, kSize - kPart), kNew);
         },
         0}}},

      {"write one page of a private mapping",
       [](Mapped& m) {
         m.FillAndSync(kOld);
         m.own = m.Map(MAP_PRIVATE);
         Mapped::At(m.own, 0_B) = 7;
         ReadPages(m.trace, m.own.Part(kPart, kPage));
         m.before = m.DiskWritten();
       },
       {{"anonymous", &Mapped::Anonymous, kPage}}},
      StepOf<Mapped>("MS_SYNC of it",
                     [](Mapped& m) { return Sync(m.own, MS_SYNC); },
                     {DiskWrote(0_B), {"read", InFile(0_B), kOld}})
          .HoldsWithout(kNothing),
      {"change the file beneath",
       [](Mapped& m) {
         Mapped::At(m.range, 0_B) = 8;
         page[0] = 9;
         (void)!pwrite(m.disk, page, sizeof page, kPart.count);
       },
       {{"written page", In(&Mapped::own, 0_B), 7},
        {"other page", In(&Mapped::own, kPart), 9},
        {"shared page", In(&Mapped::range, kPart), 9},
        {"anonymous", &Mapped::Anonymous, kPage}}},

      {"unmap it, fill",
       [](Mapped& m) {
         Unmap(m.trace, m.own);
         Fill(m.range, kOld);
       },
       {Dirty(kSize)}},
      {"MS_SYNC and MS_ASYNC", SyncAll(MS_SYNC | MS_ASYNC), {Refused(EINVAL)}},
      {"an unknown flag", SyncAll(64), {Refused(EINVAL)}},
      {"an odd address",
       [](Mapped& m) { return Sync(m.range.Part(1_B, kPage), MS_SYNC); },
       {Refused(EINVAL), Dirty(kSize)}},
      {"MS_INVALIDATE of a locked page",
       [](Mapped& m) {
         Lock(m.trace, m.range.Part(0_B, kPage));
         return Sync(m.range, MS_INVALIDATE);
       },
       {Refused(EBUSY)}},
      {"MS_SYNC of a locked page", SyncAll(MS_SYNC), {Dirty(0_B)}},
      // A hole is told of after what is behind it was written.
      {"MS_SYNC with a hole",
       [](Mapped& m) {
         Unlock(m.trace, m.range.Part(0_B, kPage));
         Fill(m.range, kNew);
         Unmap(m.trace, m.range.Part(kPart, kPart));
         return Sync(m.range, MS_SYNC);
       },
       {Refused(ENOMEM), Dirty(0_B)}},
      {"MS_SYNC of what is unmapped",
       [](Mapped& m) {
         Unmap(m.trace, m.range);
         const int error = Sync(m.range, MS_SYNC);
         // What was read and written stays in the cache otherwise.
         fsync(m.disk);
         posix_fadvise(m.disk, 0, 0, POSIX_FADV_DONTNEED);
         return error;
       },
       {Refused(ENOMEM)}},
  };
}

const Register kSemantics{
    {.id = "msync/semantics",
     .summary = "msync writes back what it is given; MS_ASYNC and private "
                "mappings nothing",
     .claim =
         "Seed 1: msync; msync(2): \"MS_ASYNC is a no-op since Linux 2.6.19\"",
     .functions = "msync, vfs_fsync_range, folio_mkclean, do_wp_page",
     .look_at = "dirty is what the mapping says",
     .needs = {.disk = 64_MiB},
     .steps = Make,
     .metrics = {Metric::Size("sync_written", "MS_SYNC.disk wrote")}}};

}  // namespace
}  // namespace oomgate
