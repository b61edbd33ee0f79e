// SPDX-License-Identifier: Apache-2.0
// A tmpfs gives huge pages as its mount option huge= says: none, always, only
// where the whole of one is within the file, or where it is advised.
#include <sys/mount.h>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr const char* kFolder = "/tmp/oomgate-tmpfs";
constexpr const char* kPath = "/tmp/oomgate-tmpfs/file";
constexpr Bytes kLag = 1_MiB;  // of the counters of one process, at most

Bytes Machine(const char* field) {
  RefreshVmstat();
  return Meminfo(field);
}

struct Tmpfs : Scene {
  bool mounted = Mount();
  int file = -1;
  Range range = {};
  // Refreshed only where all of a CPU's counts are brought home: once more.
  Bytes shmem = (Machine("Shmem"), Machine("Shmem"));
  Bytes huge = Machine("ShmemHugePages");
  Bytes mapped = Machine("ShmemPmdMapped");

  bool Mount() const {
    char option[32];
    std::snprintf(option, sizeof option, "huge=%.*s",
                  static_cast<int>(p["huge"].size()), p["huge"].data());
    mkdir(kFolder, 0700);
    Must(trace, "mount a tmpfs", mount("none", kFolder, "tmpfs", 0, option));
    return true;
  }
  // What there is more than before the first file.
  Bytes Shmem() const { return Machine("Shmem") - shmem; }
  Bytes Huge() const { return Machine("ShmemHugePages") - huge; }
  Bytes Mapped() const { return Machine("ShmemPmdMapped") - mapped; }
  Bytes Blocks() const { return BlocksOf(file); }
  // The end of a file may take its time.
  Bytes Left() const {
    return OnceHolds(
        2000, [this] { return Shmem(); },
        [](Bytes left) { return left == 0_B; });
  }
  // A counter of the process. Up to 6.1 a thread counts up to 64 faults for
  // itself, of 16 pages or a huge one each; unmapping hands them on.
  Bytes Own(const char* field) const {
    const Range other = MapAnonymous(trace, kPage);
    WritePages(trace, other);
    Unmap(trace, other);
    return StatusField(field);
  }
};

// The first byte of a new file.
auto Touch(Bytes size, int advice) {
  return [=](Tmpfs& t) {
    t.file = Must(t.trace, "open in the tmpfs",
                  open(kPath, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    Must(t.trace, "ftruncate in the tmpfs", ftruncate(t.file, size.count));
    t.range =
        MapFile(t.trace, t.file, size, PROT_READ | PROT_WRITE, MAP_SHARED);
    if (advice != MADV_NORMAL) TryAdvise(t.range, advice);
    WritePages(t.trace, t.range.Part(0_B, kPage));
  };
}

int UnmapPart(Tmpfs& t) {
  return TryAdvise(t.range.Part(0_B, kPage), MADV_DONTNEED);
}

int RemoveFile(Tmpfs& t) {
  Unmap(t.trace, t.range);
  close(t.file);
  return ErrnoOf(unlink(kPath));
}

int Unmount() {
  const int error = ErrnoOf(umount(kFolder));
  rmdir(kFolder);
  return error;
}

Steps<Tmpfs> Make(const Params& p, const Facts& f) {
  const bool always = p["huge"] == "always";
  const bool within = p["huge"] == "within_size";
  const bool advise = p["huge"] == "advise";
  Steps<Tmpfs> steps;
  const auto add = [&](const std::string& file, Bytes size, int advice,
                       bool huge, const char* why = "", bool partly = false) {
    const Bytes pages = huge ? kHugePage : kPage;
    const Bytes in_huge = huge ? kHugePage : 0_B;
    const Row<Tmpfs> is_huge = Is("huge", &Tmpfs::Huge, in_huge);
    if (partly) {
      steps.push_back(
          {"touch " + file, Touch(size, advice),
           Is("blocks", &Tmpfs::Blocks, Between(kPage, kHugePage / 2)),
           is_huge});
    } else {
      steps.push_back({"touch " + file, Touch(size, advice),
                       Is("blocks", &Tmpfs::Blocks, pages),
                       Is("shmem", &Tmpfs::Shmem, pages), is_huge,
                       Is("mapped", &Tmpfs::Mapped, in_huge),
                       Rss(&Tmpfs::range, pages)});
      steps.back().LeftOut(why);
      // A part of it is unmapped: all of it is, and stays in the file.
      steps.push_back(
          {"unmap a page of " + file, UnmapPart,
           Change(
               "RssShmem", [](Tmpfs& t) { return t.Own("RssShmem"); },
               Between(0_B - pages - kLag, 0_B - pages + kLag)),
           Change(
               "RssFile", [](Tmpfs& t) { return t.Own("RssFile"); },
               Between(0_B - kLag, kLag)),
           Rss(&Tmpfs::range, 0_B), Is("mapped", &Tmpfs::Mapped, 0_B),
           Is("blocks", &Tmpfs::Blocks, pages)});
      steps.back().LeftOut(why);
    }
    steps.push_back({"remove " + file, RemoveFile,
                     Is("left", &Tmpfs::Left, 0_B),
                     Is("huge left", &Tmpfs::Huge, 0_B)});
    steps.back().LeftOut(why);
  };
  add("a whole one", kHugePage, MADV_NORMAL, always || within);
  // The file ends before its huge page does. acd7ccb284b8 (6.14): smaller large
  // pages, as far as they fit.
  add("a short one", kHugePage - kPage, MADV_NORMAL, false,
      always ? "what \"always\" makes of a short file has changed" : "",
      within && f.kernel >= KernelVersion{6, 14});
  add("an advised one", kHugePage, MADV_HUGEPAGE, always || within || advise);
  add("one that refuses", kHugePage, MADV_NOHUGEPAGE, false);
  steps.push_back({"unmount", Unmount});
  return steps;
}

const Register kTmpfsHuge{
    {.id = "thp/tmpfs_huge",
     .summary = "tmpfs gives huge pages as its option huge= says",
     .claim = "Seed 1: THP, shm; Documentation/admin-guide/mm/transhuge: "
              "huge=always, within_size, advise, never",
     .functions = "shmem_is_huge, shmem_alloc_folio, do_set_pmd, "
                  "__split_huge_pmd_locked",
     .look_at = "blocks and shmem are what the byte took, huge and mapped what "
                "of it is a huge page",
     .needs = HugeGuest(),
     .params = {{"huge", {"never", "always", "within_size", "advise"}}},
     .steps = Make,
     .metrics = {Metric::Size("whole.shmem", "touch a whole one.shmem")}}};

}  // namespace
}  // namespace oomgate
