// SPDX-License-Identifier: Apache-2.0
// What shared memory is charged: an anonymous or SysV object whole when it is
// made, a file in memory page by page; and exactly that is given back.
#include <linux/falloc.h>

#include "cases/overcommit/charge.h"

namespace oomgate {
namespace {

Row<ChargeScene> FileHas(std::int64_t pages) {
  return {"size", &ChargeScene::FilePages, pages};
}
Row<ChargeScene> SecondWindow(std::int64_t pages) {
  return {"window", [](ChargeScene& s) { return MappedPages(s.b); }, pages};
}

// Makes the file so many pages and bytes large.
ChargeStep Truncates(const std::string& name, std::int64_t charge,
                     std::int64_t pages, Bytes bytes = {}) {
  return Charges(
      name, charge,
      [=](ChargeScene& s) {
        return ErrnoOf(ftruncate(s.fd, (pages * kPage + bytes).count));
      },
      {FileHas(pages)});
}
// Pages that hold zeroes, from the page `from` on.
ChargeStep Allocates(const std::string& name, std::int64_t charge, int mode,
                     std::int64_t from, std::int64_t pages) {
  return Charges(name, charge, [=](ChargeScene& s) {
    return ErrnoOf(
        fallocate(s.fd, mode, (from * kPage).count, (pages * kPage).count));
  });
}
ChargeStep WritesFile(const std::string& name, std::int64_t charge,
                      std::int64_t from, std::int64_t pages) {
  return Charges(name, charge, [=](ChargeScene& s) {
    static char page[4096];
    for (std::int64_t i = from; i < from + pages; ++i) {
      Must(s.trace, "pwrite",
           pwrite(s.fd, page, sizeof page, (i * kPage).count));
    }
  });
}
// Gives back the memory of a part of what is mapped.
ChargeStep Removes(const std::string& name, std::int64_t charge,
                   std::int64_t from, std::int64_t pages) {
  return Charges(name, charge,
                 [=](ChargeScene& s) {
                   return TryAdvise(Part(s.a, from, pages), MADV_REMOVE);
                 },
                 {Change("rss", &ChargeScene::Rss, Le(-pages))});
}

ChargeSteps Anonymous(std::int64_t noreserve) {
  const bool whole = noreserve > 0;  // else charged page by page
  return {
      Maps("map", kN, kRw, kShared),
      Writes("write to it", 0, 64),
      Removes("remove pages", 0, 0, 32),
      Protects("make half of it read-only", 0, PROT_READ, 0, kN / 2),
      Unmaps("unmap half of it", 0, 0, kN / 2),
      Unmaps("unmap the rest", -kN, kN / 2, kN / 2),
      Maps("map to read", kN, PROT_READ, kShared),
      Protects("make it writable", 0, kRw),
      Resizes("open a larger window on it", 0, 2 * kN),
      Charges("open a second window", 0,
              [](ChargeScene& s) {
                s.b =
                    Remap(s.trace, Part(s.a, 0, 0), kN * kPage, MREMAP_MAYMOVE);
              },
              {SecondWindow(kN)}),
      Unmaps("close the first window", 0, 0, 2 * kN),
      Charges("let the object grow", 200,
              [](ChargeScene& s) {
                s.fd = OpenBehind(s.trace, s.b);
                return ErrnoOf(ftruncate(s.fd, ((kN + 200) * kPage).count));
              }),
      Truncates("let the object shrink", -300, kN - 100),
      Charges("close the last window", 0,
              [](ChargeScene& s) { Unmap(s.trace, s.b); }, {SecondWindow(0)}),
      Closes("close the object", -(kN - 100)),
      Maps("map, noreserve", noreserve, kRw, kShared | MAP_NORESERVE),
      Writes("noreserve: write to it", whole ? 0 : 64, 64),
      Removes("noreserve: remove pages", whole ? 0 : -32, 0, 32),
      Unmaps("noreserve: unmap it", whole ? -noreserve : -32),
      Opens("open /dev/zero", "/dev/zero", O_RDWR),
      MapsFile("map /dev/zero", kN, kRw, MAP_SHARED),
      Closes("close /dev/zero", 0),
      Unmaps("unmap /dev/zero", -kN),
  };
}

// The same for a file of a mounted tmpfs and a memfd.
ChargeSteps OfFile(const std::string& of, const ChargeStep& opens) {
  constexpr int kKeepSize = FALLOC_FL_KEEP_SIZE;
  return {
      opens,
      Truncates(of + "give it a size", 0, kN),
      MapsFile(of + "map", 0, kRw, MAP_SHARED),
      Writes(of + "write to the mapping", 64, 64),
      // A read of a hole through a mapping fills it, read(2) does not.
      Charges(of + "read holes of the mapping", 64,
              [](ChargeScene& s) { ReadPages(s.trace, Part(s.a, 64, 64)); }),
      Charges(of + "read holes of the file", 0,
              [](ChargeScene& s) {
                static char page[4096];
                std::int64_t got = 0;
                for (std::int64_t i = 128; i < 128 + 64; ++i) {
                  got += pread(s.fd, page, sizeof page, (i * kPage).count);
                }
                s.Set("read", got);
              },
              {Size("read", 64 * kPage)}),
      WritesFile(of + "write to the file", 32, 112, 48),
      Allocates(of + "allocate", 140, 0, 100, 200),
      Allocates(of + "allocate beyond the end", 10, kKeepSize, kN, 10),
      Allocates(of + "punch a hole", -50, FALLOC_FL_PUNCH_HOLE | kKeepSize, 50,
                50),
      Removes(of + "remove pages", -20, 100, 20),
      Charges(of + "map it privately", kN,
              [](ChargeScene& s) {
                s.b = MapFile(s.trace, s.fd, kN * kPage, kRw, MAP_PRIVATE);
              }),
      // What a private mapping writes into a hole, the file gets first.
      Charges(of + "write privately to a hole", 8,
              [](ChargeScene& s) { WritePages(s.trace, Part(s.b, 60, 8)); }),
      Charges(of + "unmap what is private", -kN,
              [](ChargeScene& s) { Unmap(s.trace, s.b); }),
      // Half of a page that is cut stays a page; the ten beyond the end go.
      Truncates(of + "cut it", -10 - 49, 250, 100_B),
      Unmaps(of + "unmap", 0),
      Truncates(of + "make it larger", 0, 2 * kN),
      Truncates(of + "empty it", -(50 + 8 + 251 - 120), 0),
      WritesFile(of + "write to the empty file", 30, 7, 30),
      // What goes with the last reference.
      Closes(of + "close it", -30),
  };
}

ChargeStep Makes(const char* name, unsigned flags, Bytes size = {}) {
  return Charges(
      name, 0, [=](ChargeScene& s) { s.fd = MakeMemfd(s.trace, size, flags); },
      {{"open", &ChargeScene::FileIsOpen, 1}});
}

// Huge pages have a pool of their own.
ChargeSteps OfHugePages() {
  return {
      Makes("make a file of huge pages", MFD_HUGETLB, 2 * kHugePage),
      Charges("map a huge page of it", 0,
              [](ChargeScene& s) {
                s.a = MapFile(s.trace, s.fd, kHugePage, kRw,
                              MAP_SHARED | MAP_NORESERVE);
              },
              {{"mapped", &ChargeScene::Mapped, 512}}),
      Unmaps("unmap the huge page", 0, 0, 512),
      Closes("close the file of huge pages", 0),
  };
}

ChargeStep GetsSegment(const char* name, std::int64_t charge, Bytes size,
                       int flags = 0) {
  return Charges(name, charge,
                 [=](ChargeScene& s) {
                   s.id = Must(s.trace, "shmget",
                               shmget(IPC_PRIVATE, Length(size),
                                      IPC_CREAT | 0600 | flags));
                 },
                 {{"made", [](ChargeScene& s) { return s.id >= 0; }, 1}});
}
ChargeStep Attaches(const char* name) {
  return Charges(name, 0,
                 [](ChargeScene& s) {
                   void* const at =
                       Must(s.trace, "shmat", shmat(s.id, nullptr, 0));
                   s.a = {.start = static_cast<char*>(at), .size = kN * kPage};
                 },
                 {{"mapped", &ChargeScene::Mapped, kN}});
}
ChargeStep Detaches(const char* name, std::int64_t charge) {
  return Charges(name, charge,
                 [](ChargeScene& s) { return ErrnoOf(shmdt(s.a.start)); },
                 {{"mapped", &ChargeScene::Mapped, 0}});
}
ChargeStep RemovesSegment(const char* name, std::int64_t charge) {
  return Charges(
      name, charge,
      [](ChargeScene& s) {
        return ErrnoOf(shmctl(std::exchange(s.id, -1), IPC_RMID, nullptr));
      },
      {{"made", [](ChargeScene& s) { return s.id >= 0; }, 0}});
}

ChargeSteps OfSegments(std::int64_t noreserve) {
  const bool whole = noreserve > 0;
  return {
      GetsSegment("get a segment, no whole pages", kN, kN * kPage - 4000_B),
      Attaches("attach it"),
      Writes("write to the segment", 0, 64),
      Charges("fork", 0,
              [](ChargeScene& s) {
                RunChild(s.trace,
                         [&] { s.Set("mapped in child", s.Mapped()); });
              },
              {Count("mapped in child", kN)}),
      Detaches("detach it", 0),
      RemovesSegment("remove it", -kN),
      GetsSegment("get a segment again", kN, kN * kPage),
      Attaches("attach the second"),
      RemovesSegment("remove what is attached", 0),
      Detaches("detach what is removed", -kN),
      GetsSegment("get a segment, noreserve", noreserve, kN * kPage,
                  SHM_NORESERVE),
      Attaches("attach the third"),
      Writes("write to the third", whole ? 0 : 64, 64),
      RemovesSegment("remove the third", 0),
      Detaches("detach the third", whole ? -noreserve : -64),
      GetsSegment("get a segment of a huge page", 0, kHugePage,
                  SHM_HUGETLB | SHM_NORESERVE),
      RemovesSegment("remove the huge page", 0),
  };
}

ChargeSteps Make(const Params& p, const Facts&) {
  const std::int64_t noreserve = Mode(p) == 2 ? kN : 0;
  return Anonymous(noreserve) +
         OfFile("tmpfs: ", Opens("tmpfs: open", "/tmp", O_TMPFILE | O_RDWR)) +
         OfFile("memfd: ", Makes("memfd: make", 0)) + OfHugePages() +
         OfSegments(noreserve);
}

const Register kChargeMatrixShared{
    {.id = "overcommit/charge_matrix_shared",
     .summary = "shared memory: Committed_AS follows each step to the page",
     .claim = "overcommit.never.charge_matrix, .noreserve_ignored; seed 1 on "
              "shared memory; Documentation/mm/overcommit-accounting: \"shmfs "
              "memory drawn from the same pool\"",
     .functions = "shmem_acct_size, shmem_reacct_size, shmem_acct_block, "
                  "shmem_recalc_inode, shmem_evict_inode, newseg",
     .look_at = "pages that a step keeps or gives back too much",
     .needs = {.alone = true},
     .adjust = AdjustMode,
     .params = {{"mode", {"0", "1", "2"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
