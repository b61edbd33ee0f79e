// SPDX-License-Identifier: Apache-2.0
// A tmpfs gives huge pages as its mount option huge= says: none, always, only
// where the whole of one is within the file, or where it is advised.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr const char* kFolder = "/tmp/oomgate-tmpfs";
constexpr const char* kPath = "/tmp/oomgate-tmpfs/file";
constexpr int kTries = 200;
constexpr Bytes kLag = 1_MiB;  // of the counters of one process, at most

// What the first byte takes of a new file of this size.
void Touch(Trace& trace, const char* name, Bytes size, int advice) {
  const int file = open(kPath, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, size.count) != 0) {
    trace.Stop("make a file in the tmpfs", errno);
  }
  const Range range =
      MapFile(trace, file, size, PROT_READ | PROT_WRITE, MAP_SHARED);
  if (advice != MADV_NORMAL) TryAdvise(range, advice);
  const auto set = [&](const char* what, Bytes value) {
    char key[48];
    std::snprintf(key, sizeof key, "%s.%s", name, what);
    trace.Set(key, value);
  };
  // Refreshed only where all of a CPU's counts are brought home.
  const auto machine = [](const char* field) {
    RefreshVmstat();
    return Meminfo(field);
  };
  machine("Shmem");
  const Bytes shmem = machine("Shmem");
  const Bytes huge = machine("ShmemHugePages");
  const Bytes mapped = machine("ShmemPmdMapped");
  WritePages(trace, range.Part(0_B, kPage));
  struct stat of = {};
  fstat(file, &of);
  set("blocks", of.st_blocks * 512_B);
  set("shmem", machine("Shmem") - shmem);
  set("huge", machine("ShmemHugePages") - huge);
  set("mapped", machine("ShmemPmdMapped") - mapped);
  set("rss", ReadMapping(range).rss);

  // Up to 6.1 a thread counts up to 64 faults for itself, of 16 pages or a huge
  // one each; unmapping hands them on.
  const Range other = MapAnonymous(trace, kPage);
  WritePages(trace, other);
  Unmap(trace, other);
  // A part of it is unmapped: all of it is, and stays in the file.
  const Bytes rss_shmem = StatusField("RssShmem");
  const Bytes rss_file = StatusField("RssFile");
  TryAdvise(range.Part(0_B, kPage), MADV_DONTNEED);
  set("part.shmem", rss_shmem - StatusField("RssShmem"));
  set("part.file", rss_file - StatusField("RssFile"));
  set("part.rss", ReadMapping(range).rss);
  set("part.mapped", machine("ShmemPmdMapped") - mapped);
  fstat(file, &of);
  set("part.blocks", of.st_blocks * 512_B);
  Unmap(trace, range);
  close(file);
  unlink(kPath);
  // The end of a file may take its time.
  for (int i = 0; i < kTries && machine("Shmem") != shmem; ++i) usleep(10'000);
  set("left", machine("Shmem") - shmem);
  set("left.huge", machine("ShmemHugePages") - huge);
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  char option[32];
  std::snprintf(option, sizeof option, "huge=%.*s",
                static_cast<int>(p["huge"].size()), p["huge"].data());
  mkdir(kFolder, 0700);
  if (mount("none", kFolder, "tmpfs", 0, option) != 0) {
    trace.Stop("mount a tmpfs", errno);
  }
  Touch(trace, "whole", kHugePage, MADV_NORMAL);
  Touch(trace, "short", kHugePage - kPage, MADV_NORMAL);
  Touch(trace, "advised", kHugePage, MADV_HUGEPAGE);
  Touch(trace, "refused", kHugePage, MADV_NOHUGEPAGE);
  umount(kFolder);
  rmdir(kFolder);
}

Oracle Took(const std::string& name, Bytes pages) {
  const bool huge = pages == kHugePage;
  const Bytes in_huge = huge ? kHugePage : 0_B;
  return AllOf(
      AllOf(Size(name + ".blocks", Eq(pages)), Size(name + ".shmem", Eq(pages)),
            Size(name + ".huge", Eq(in_huge)),
            Size(name + ".mapped", Eq(in_huge)),
            Size(name + ".rss", Eq(pages))),
      AllOf(Size(name + ".part.shmem", Between(pages - kLag, pages + kLag)),
            Size(name + ".part.file", Between(0_B - kLag, kLag)),
            Size(name + ".part.rss", Eq(0_B)),
            Size(name + ".part.mapped", Eq(0_B)),
            Size(name + ".part.blocks", Eq(pages)),
            Size(name + ".left", Eq(0_B)), Size(name + ".left.huge", Eq(0_B))));
}

// A file that ends before its huge page does.
Oracle TookShort(bool always, bool within, const Facts& f) {
  // What "always" makes of it has changed.
  if (always) return Survives();
  // acd7ccb284b8 (6.14): smaller large pages, as far as they fit.
  if (within && f.kernel >= KernelVersion{6, 14}) {
    return AllOf(Size("short.blocks", Between(kPage, kHugePage / 2)),
                 Size("short.huge", Eq(0_B)), Size("short.left", Eq(0_B)));
  }
  return Took("short", kPage);
}

Oracle Expect(const Params& p, const Facts& f) {
  const auto or_small = [](bool huge) { return huge ? kHugePage : kPage; };
  const bool always = p["huge"] == "always";
  const bool within = p["huge"] == "within_size";
  const bool advise = p["huge"] == "advise";
  return AllOf(Survives(), Took("whole", or_small(always || within)),
               TookShort(always, within, f),
               Took("advised", or_small(always || within || advise)),
               Took("refused", kPage));
}

const Register kTmpfsHuge{
    {.id = "thp/tmpfs_huge",
     .summary = "tmpfs gives huge pages as its option huge= says",
     .explains =
         {.claim = "Seed 1: THP, shm; Documentation/admin-guide/mm/transhuge: "
                   "huge=always, within_size, advise, never",
          .deed = "touches one byte of files of 2 MiB, of a page less, with "
                  "MADV_HUGEPAGE and with MADV_NOHUGEPAGE; unmaps one page",
          .functions = "shmem_is_huge, shmem_alloc_folio, do_set_pmd, "
                       "__split_huge_pmd_locked",
          .look_at = "<file>.blocks and .shmem are what the byte took, .huge "
                     "and .mapped what of it is a huge page"},
     .needs = HugeGuest(),
     .params = {{"huge", {"never", "always", "within_size", "advise"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "whole.shmem", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
