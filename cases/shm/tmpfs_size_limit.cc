// SPDX-License-Identifier: Apache-2.0
// A tmpfs has its size to the page and its inodes to the last: a write beyond
// is short, then ENOSPC; a touch beyond is SIGBUS, and a read of a hole too.
#include "cases/shm/file.h"

namespace oomgate::shm {
namespace {

constexpr Bytes kLimit = 2_MiB;
constexpr Bytes kFile = 4_MiB;
constexpr int kInodes = 16;  // the root is one of them
constexpr const char* kLink = "/tmp/oomgate-shm/link";
constexpr const char* kFirst = "/tmp/oomgate-shm/0";

struct Limited : Scene {
  // Not static: every program of ours would be charged for it.
  Range buffer = MapAnonymous(trace, kFile);
  int file = -1;

  Bytes Blocks() const { return BlocksOf(file); }
  void WriteTo(int to, Bytes size) const {
    Set("written", Bytes{pwrite(to, buffer.start, Length(size), 0)});
  }
  void WriteAll() {
    file = OpenFile(trace);
    WriteTo(file, kFile);
  }
  int WriteByte() const {
    return ErrnoOf(pwrite(file, buffer.start, 1, kLimit.count));
  }
  void ReadHole() const {
    Set("read", Bytes{pread(file, buffer.start, kPage.count, kLimit.count)});
  }
  int End() const {
    close(file);
    return ErrnoOf(unlink(kPath));
  }
  void WriteFirst() const {
    const int first = Must(trace, kFirst, open(kFirst, O_RDWR | O_CLOEXEC));
    WriteTo(first, kLimit);
    close(first);
  }
};

auto Truncate(Bytes size) {
  return [=](Limited& s) { return ErrnoOf(ftruncate(s.file, size.count)); };
}
auto Allocate(Bytes from, Bytes size) {
  return [=](Limited& s) {
    return ErrnoOf(fallocate(s.file, 0, from.count, size.count));
  };
}
auto Remount(const char* option) { return Mount("tmpfs", option, MS_REMOUNT); }

// Touches a mapping of a new file, in a child, until it dies of it.
auto Touch(decltype(ReadPages)* touch) {
  return [=](Limited& s) {
    s.file = OpenFile(s.trace);
    Must(s.trace, "ftruncate", ftruncate(s.file, kFile.count));
    s.Set("status", RunChild(s.trace, [&] {
            touch(s.trace, MapBare(s.trace, kFile, kRw, MAP_SHARED, s.file),
                  kPage);
          }));
    s.Set("blocks", s.Blocks());
    return s.End();
  };
}

int MakeFiles(Limited& s) {
  char name[64];
  for (int files = 0;; ++files) {
    s.Set("files", files);
    std::snprintf(name, sizeof name, "%s/%d", kFolder, files);
    const int error = ErrnoOf(mknod(name, S_IFREG | 0600, 0));
    if (error != 0) return error;
  }
}

Steps<Limited> Make(const Params&, const Facts&) {
  const std::int64_t pages = kLimit / kPage;
  const auto free = [](std::int64_t of) { return Is("free", FreeBlocks, of); };
  const auto inodes = [](std::int64_t of) {
    return Is("inodes", FreeInodes, of);
  };
  const auto blocks = [](Bytes size) {
    return Is("blocks", &Limited::Blocks, size);
  };
  const Rows<Limited> all_touched = {Count("status", SIGBUS), Touches(pages),
                                     Size("blocks", kLimit), free(pages)};
  return {
      {"mount 2 MiB", Mount("tmpfs", "size=2m,nr_inodes=16"), free(pages),
       inodes(kInodes - 1)},
      {"write 4 MiB", &Limited::WriteAll, Size("written", kLimit), free(0),
       blocks(kLimit)},
      {"write a byte more", &Limited::WriteByte, Refused(ENOSPC), free(0),
       blocks(kLimit)},
      // A size is no memory; a hole is none either, until it is read in a map.
      {"extend it to 4 MiB", Truncate(kFile), blocks(kLimit)},
      {"read the hole", &Limited::ReadHole, Size("read", kPage),
       blocks(kLimit)},
      {"allocate a page of it", Allocate(kLimit, kPage), Refused(ENOSPC)},
      // What does not fit as a whole leaves nothing behind.
      {"truncate it to 512 KiB", Truncate(kLimit / 4), blocks(kLimit / 4)},
      {"allocate 2 MiB more", Allocate(kLimit / 4, kLimit), Refused(ENOSPC),
       blocks(kLimit / 4), free(pages - pages / 4), inodes(kInodes - 2)},
      // A name more costs an inode's memory, and no longer than it is there.
      {"link it", [] { return ErrnoOf(link(kPath, kLink)); },
       inodes(kInodes - 3)},
      {"unlink the link", [] { return ErrnoOf(unlink(kLink)); },
       inodes(kInodes - 2)},
      {"close it, unlink it", &Limited::End, free(pages), inodes(kInodes - 1)},

      {"write to a map of a file", Touch(WritePages), all_touched},
      {"read a map of a file", Touch(ReadPages), all_touched},

      {"make files until it is refused", MakeFiles, Refused(ENOSPC),
       Count("files", kInodes - 1)},
      {"open one more",
       [] { return ErrnoOf(open(kPath, O_CREAT | O_RDWR, 0600)); },
       Refused(ENOSPC)},
      {"write 2 MiB to one", &Limited::WriteFirst, Size("written", kLimit)},
      // A limit below what is used is refused, one above is taken.
      {"shrink it to 1 MiB", Remount("size=1m"), Refused(EINVAL)},
      {"grow it to 3 MiB", Remount("size=3m"), free(1_MiB / kPage)},
      {"remount with 15 inodes", Remount("nr_inodes=15"), Refused(EINVAL)},
      {"remount with 20 inodes", Remount("nr_inodes=20"), inodes(20 - kInodes)},
      {"unmount it", Unmount, free(-1)},
  };
}

const Register kTmpfsSizeLimit{
    {.id = "shm/tmpfs_size_limit",
     .summary = "tmpfs ends at its size: ENOSPC for write, SIGBUS for touch",
     .claim =
         "Seed 1: shm; Documentation/filesystems/tmpfs: size and nr_inodes",
     .functions = "shmem_inode_acct_block, shmem_get_folio_gfp, "
                  "shmem_reserve_inode, shmem_reconfigure",
     .look_at = "touches: pages before the SIGBUS",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .steps = Make,
     .metrics = {
         Metric::Size("written_once", "write 4 MiB.written").EitherWay()}}};

}  // namespace
}  // namespace oomgate::shm
