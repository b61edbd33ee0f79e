// SPDX-License-Identifier: Apache-2.0
// Mode 1 lifts one limit only: those of the process, of a tmpfs and of the
// huge page pool hold to the page.
#include <sys/mount.h>

#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr const char* kFolder = "/tmp/limited";
constexpr Bytes kAll = 64 * kPage;  // of a tmpfs

struct Limited : CommitScene {
  int fd = -1;
  Range zeroes = MapBare(trace, 2 * kAll, PROT_READ, kPrivate);

  int MapHugePage() const {
    Limit(trace, RLIMIT_DATA, kUnlimited);
    return TryMap(kHugePage, kRw, kPrivate | MAP_HUGETLB);
  }
  void FillTmpfs() {
    mkdir(kFolder, 0700);
    Must(trace, "mount", mount("tmpfs", kFolder, "tmpfs", 0, "size=256k"));
    fd = Must(trace, kFolder, open(kFolder, O_TMPFILE | O_RDWR, 0600));
    umount2(kFolder, MNT_DETACH);  // it lives as long as the file
    rmdir(kFolder);
    Charged();
    Set("written", pwrite(fd, zeroes.start, Length(zeroes.size), 0));
  }
  int Write() const { return ErrnoOf(pwrite(fd, zeroes.start, 1, kAll.count)); }
  int Allocate() const { return ErrnoOf(fallocate(fd, 0, kAll.count, 4096)); }
  void WriteMapped() const {
    Must(trace, "ftruncate", ftruncate(fd, (kAll + kPage).count));
    const Range all = MapBare(trace, kAll + kPage, kRw, MAP_SHARED, fd);
    Set("signal", SignalOfWrite(trace, all.start + kAll.count));
    Unmap(trace, all);
  }
};

// Sets it, alone, that many pages and a half above what there is.
auto Sets(__rlimit_resource which, const char* field, int pages) {
  return [=](Limited& s) {
    Limit(s.trace, RLIMIT_AS, kUnlimited);
    Limit(s.trace, which, StatusField(field) + pages * kPage + kPage / 2);
  };
}

Steps<Limited> Make(const Params&, const Facts&) {
  return {{"set RLIMIT_AS for 5000 pages", Sets(RLIMIT_AS, "VmSize", 5000),
           Is("largest", MostToMap(kRw, kPrivate), 5000 * kPage),
           Is("to read", MostToMap(PROT_READ, kPrivate), 5000 * kPage),
           Is("shared", MostToMap(kRw, kShared), 5000 * kPage)},
          {"set RLIMIT_DATA for 3000 pages", Sets(RLIMIT_DATA, "VmData", 3000),
           Is("largest", MostToMap(kRw, kPrivate), 3000 * kPage)},
          Asks<Limited>("map 1 TiB to read", AsksToMap(1_TiB, PROT_READ)),
          Asks<Limited>("map 64 GiB, shared", AsksToMap(64_GiB, kRw, kShared)),
          {"map a huge page, none in the pool", &Limited::MapHugePage,
           Refused(ENOMEM)},
          {"fill a tmpfs of 64 pages", &Limited::FillTmpfs,
           Size("written", kAll), Charged(64)},
          {"write a page more", &Limited::Write, Refused(ENOSPC)},
          {"allocate a page more", &Limited::Allocate, Refused(ENOSPC)},
          {"write a page more of the mapping", &Limited::WriteMapped,
           Count("signal", SIGBUS), Charged(0)},
          {"remove the tmpfs", [](Limited& s) { close(s.fd); }, Charged(-64),
           Is("left", &Limited::Left, 0)}};
}

const Register kAlwaysStillEnforced{
    {.id = "overcommit/always_still_enforced",
     .summary = "mode 1: RLIMIT_AS, RLIMIT_DATA, tmpfs and huge pages limit on",
     .claim = "Seed 2: mode 1 \"always\"; it is about commit only",
     .functions = "may_expand_vm, shmem_inode_acct_block, hugetlb_acct_memory",
     .needs = {.alone = true, .settings = {kVmKnobs.With(kMode, "1")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
