// SPDX-License-Identifier: Apache-2.0
// What shared memory is charged: an anonymous or SysV object whole when it is
// made, a file in memory page by page; and exactly that is given back.
#include <linux/falloc.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include <cstdio>

#include "cases/overcommit/charge.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr std::int64_t kN = kObject;
constexpr unsigned kHugeMemfd = 4;  // MFD_HUGETLB

void Resize(ChargeScene& s, std::int64_t pages, int bytes = 0) {
  s.Must(ftruncate(s.fd, static_cast<off_t>(Pages(pages)) + bytes) == 0,
         "ftruncate");
}

void Allocate(ChargeScene& s, int mode, std::int64_t from, std::int64_t pages) {
  s.Must(fallocate(s.fd, mode, static_cast<off_t>(Pages(from)),
                   static_cast<off_t>(Pages(pages))) == 0,
         "fallocate");
}

void WriteFile(ChargeScene& s, std::int64_t from, std::int64_t pages) {
  static char page[4096];
  for (std::int64_t i = from; i < from + pages; ++i) {
    s.Must(pwrite(s.fd, page, sizeof page, static_cast<off_t>(Pages(i))) ==
               sizeof page,
           "pwrite");
  }
}

void ReadFile(ChargeScene& s, std::int64_t from, std::int64_t pages) {
  static char page[4096];
  for (std::int64_t i = from; i < from + pages; ++i) {
    s.Must(pread(s.fd, page, sizeof page, static_cast<off_t>(Pages(i))) ==
               sizeof page,
           "pread");
  }
}

// The object behind a shared anonymous mapping has no name but this one.
int OpenBehind(ChargeScene& s, const char* at, std::int64_t pages) {
  char path[64];
  const auto from = reinterpret_cast<unsigned long>(at);
  std::snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", from,
                from + Pages(pages));
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  s.Must(fd >= 0, "open in map_files");
  return fd;
}

void AddAnonymous(ChargeSteps& steps, std::int64_t noreserve) {
  steps.insert(
      steps.end(),
      {{"anon_rw", kN, [](ChargeScene& s) { s.a = s.Map(kN, kRw, MAP_SHARED); }},
       {"anon_touch", 0, [](ChargeScene& s) { s.Touch(s.a, 64); }},
       {"anon_remove", 0,
        [](ChargeScene& s) {
          s.Must(madvise(s.a, Pages(32), MADV_REMOVE) == 0, "MADV_REMOVE");
        }},
       {"anon_half_to_r", 0,
        [](ChargeScene& s) { s.Protect(s.a, kN / 2, PROT_READ); }},
       {"anon_unmap_half", 0, [](ChargeScene& s) { s.Unmap(s.a, kN / 2); }},
       {"anon_unmap_rest", -kN,
        [](ChargeScene& s) { s.Unmap(s.a + Pages(kN / 2), kN / 2); }},
       {"anon_r", kN, [](ChargeScene& s) { s.a = s.Map(kN, PROT_READ, MAP_SHARED); }},
       {"anon_r_to_rw", 0, [](ChargeScene& s) { s.Protect(s.a, kN, kRw); }},
       // A larger window on the same object.
       {"anon_window", 0,
        [](ChargeScene& s) { s.a = s.Remap(s.a, kN, 2 * kN, MREMAP_MAYMOVE); }},
       {"anon_second_window", 0,
        [](ChargeScene& s) { s.b = s.Remap(s.a, 0, kN, MREMAP_MAYMOVE); }},
       {"anon_first_gone", 0, [](ChargeScene& s) { s.Unmap(s.a, 2 * kN); }},
       {"anon_object_grows", 200,
        [](ChargeScene& s) {
          s.fd = OpenBehind(s, s.b, kN);
          Resize(s, kN + 200);
        }},
       {"anon_object_shrinks", -300, [](ChargeScene& s) { Resize(s, kN - 100); }},
       {"anon_last_gone", 0, [](ChargeScene& s) { s.Unmap(s.b, kN); }},
       {"anon_closed", -(kN - 100), [](ChargeScene& s) { s.CloseFile(); }},
       {"anon_noreserve", noreserve,
        [](ChargeScene& s) { s.a = s.Map(kN, kRw, MAP_SHARED | MAP_NORESERVE); }},
       // Charged page by page where not whole.
       {"anon_noreserve_touch", noreserve > 0 ? 0 : 64,
        [](ChargeScene& s) { s.Touch(s.a, 64); }},
       {"anon_noreserve_remove", noreserve > 0 ? 0 : -32,
        [](ChargeScene& s) {
          s.Must(madvise(s.a, Pages(32), MADV_REMOVE) == 0, "MADV_REMOVE");
        }},
       {"anon_noreserve_unmap", noreserve > 0 ? -noreserve : -32,
        [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {"zero_device", kN,
        [](ChargeScene& s) {
          s.fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
          s.Must(s.fd >= 0, "open of /dev/zero");
          s.a = s.Map(kN, kRw, MAP_SHARED, s.fd);
          s.CloseFile();
        }},
       {"zero_device_gone", -kN, [](ChargeScene& s) { s.Unmap(s.a, kN); }}});
}

// The same for a file of a mounted tmpfs and a memfd.
template <typename Open>
void AddFile(ChargeSteps& steps, const std::string& of, Open make) {
  steps.insert(
      steps.end(),
      {{of + "_create", 0, make},
       {of + "_size", 0, [](ChargeScene& s) { Resize(s, kN); }},
       {of + "_map", 0,
        [](ChargeScene& s) { s.a = s.Map(kN, kRw, MAP_SHARED, s.fd); }},
       {of + "_touch", 64, [](ChargeScene& s) { s.Touch(s.a, 64); }},
       // A read of a hole through a mapping fills it, read(2) does not.
       {of + "_map_read_holes", 64,
        [](ChargeScene& s) { s.Read(s.a + Pages(64), 64); }},
       {of + "_read_holes", 0, [](ChargeScene& s) { ReadFile(s, 128, 64); }},
       {of + "_write", 32, [](ChargeScene& s) { WriteFile(s, 112, 48); }},
       {of + "_fallocate", 140, [](ChargeScene& s) { Allocate(s, 0, 100, 200); }},
       {of + "_beyond_end", 10,
        [](ChargeScene& s) { Allocate(s, FALLOC_FL_KEEP_SIZE, kN, 10); }},
       {of + "_punch", -50,
        [](ChargeScene& s) {
          Allocate(s, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50, 50);
        }},
       {of + "_remove", -20,
        [](ChargeScene& s) {
          s.Must(madvise(s.a + Pages(100), Pages(20), MADV_REMOVE) == 0,
                 "MADV_REMOVE");
        }},
       {of + "_private", kN,
        [](ChargeScene& s) { s.b = s.Map(kN, kRw, MAP_PRIVATE, s.fd); }},
       // What a private mapping writes into a hole, the file gets first.
       {of + "_private_write_hole", 8,
        [](ChargeScene& s) { s.Touch(s.b + Pages(60), 8); }},
       {of + "_private_gone", -kN, [](ChargeScene& s) { s.Unmap(s.b, kN); }},
       // Half of a page that is cut stays a page; the ten beyond the end go.
       {of + "_cut", -10 - 49, [](ChargeScene& s) { Resize(s, 250, 100); }},
       {of + "_unmap", 0, [](ChargeScene& s) { s.Unmap(s.a, kN); }},
       {of + "_larger", 0, [](ChargeScene& s) { Resize(s, 2 * kN); }},
       {of + "_empty", -(50 + 8 + 251 - 120), [](ChargeScene& s) { Resize(s, 0); }},
       // What goes with the last reference.
       {of + "_closed", -30, [](ChargeScene& s) {
          WriteFile(s, 7, 30);
          s.counted = 30;
          s.CloseFile();
        }}});
}

void AddFiles(ChargeSteps& steps) {
  AddFile(steps, "tmpfs", [](ChargeScene& s) {
    s.fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    s.Must(s.fd >= 0, "open of a file in /tmp");
  });
  AddFile(steps, "memfd", [](ChargeScene& s) {
    s.fd = static_cast<int>(syscall(SYS_memfd_create, "charge", 0U));
    s.Must(s.fd >= 0, "memfd_create");
  });
}

// Huge pages have a pool of their own.
void AddHuge(ChargeSteps& steps) {
  steps.insert(
      steps.end(),
      {{"hugetlb_memfd", 0,
        [](ChargeScene& s) {
          s.fd =
              static_cast<int>(syscall(SYS_memfd_create, "huge", kHugeMemfd));
          s.Must(s.fd >= 0, "memfd_create of huge pages");
          Resize(s, 1024);
          s.a = s.Hole(1536);
          s.a += (kHugePage.count -
                  reinterpret_cast<std::intptr_t>(s.a) % kHugePage.count) %
                 kHugePage.count;
          s.MapAt(s.a, 512, kRw, MAP_SHARED | MAP_NORESERVE, s.fd);
        }},
       {"hugetlb_memfd_gone", 0, [](ChargeScene& s) {
          s.Unmap(s.a, 512);
          s.CloseFile();
        }}});
}

void Segment(ChargeScene& s, std::size_t bytes, int flags) {
  s.id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600 | flags);
  s.Must(s.id >= 0, "shmget");
}

void Attach(ChargeScene& s) {
  s.a = static_cast<char*>(shmat(s.id, nullptr, 0));
  s.Must(s.a != reinterpret_cast<char*>(-1), "shmat");
}

void Remove(ChargeScene& s) {
  s.Must(shmctl(s.id, IPC_RMID, nullptr) == 0, "shmctl(IPC_RMID)");
}

void AddSegments(ChargeSteps& steps, std::int64_t noreserve) {
  steps.insert(
      steps.end(),
      // Not whole pages: rounded up.
      {{"shm_get", kN, [](ChargeScene& s) { Segment(s, Pages(kN) - 4000, 0); }},
       {"shm_attach", 0, [](ChargeScene& s) { Attach(s); }},
       {"shm_touch", 0, [](ChargeScene& s) { s.Touch(s.a, 64); }},
       {"shm_fork", 0, [](ChargeScene& s) { s.Must(TryFork() == 0, "fork"); }},
       {"shm_detach", 0, [](ChargeScene& s) { shmdt(s.a); }},
       {"shm_remove", -kN, [](ChargeScene& s) { Remove(s); }},
       {"shm_get_again", kN, [](ChargeScene& s) { Segment(s, Pages(kN), 0); }},
       {"shm_removed_attached", 0,
        [](ChargeScene& s) {
          Attach(s);
          Remove(s);
        }},
       {"shm_last_detach", -kN, [](ChargeScene& s) { shmdt(s.a); }},
       {"shm_noreserve", noreserve,
        [](ChargeScene& s) { Segment(s, Pages(kN), SHM_NORESERVE); }},
       {"shm_noreserve_touch", noreserve > 0 ? 0 : 64,
        [](ChargeScene& s) {
          Attach(s);
          s.Touch(s.a, 64);
        }},
       {"shm_noreserve_gone", noreserve > 0 ? -noreserve : -64,
        [](ChargeScene& s) {
          Remove(s);
          shmdt(s.a);
        }},
       {"shm_huge", 0,
        [](ChargeScene& s) { Segment(s, Pages(512), SHM_HUGETLB | SHM_NORESERVE); }},
       {"shm_huge_gone", 0, [](ChargeScene& s) { Remove(s); }}});
}

ChargeSteps AllSteps(const Params& p) {
  const std::int64_t noreserve = Mode(p) == 2 ? kN : 0;
  ChargeSteps steps;
  AddAnonymous(steps, noreserve);
  AddFiles(steps);
  AddHuge(steps);
  AddSegments(steps, noreserve);
  return steps;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  RunSteps(trace, AllSteps(p));
}

Oracle Expect(const Params& p, const Facts&) { return StepsHold(AllSteps(p)); }

const Register kChargeMatrixShared{
    {.id = "overcommit/charge_matrix_shared",
     .summary = "shared memory: Committed_AS follows each step to the page",
     .explains =
         {.claim = "overcommit.never.charge_matrix, .noreserve_ignored; seed 1 "
                   "on shared memory; Documentation/mm/overcommit-accounting: "
                   "\"shmfs memory drawn from the same pool\"",
          .deed = "makes, maps, fills, punches, cuts and removes shared "
                  "objects, and reads Committed_AS after each step",
          .functions = "shmem_acct_size, shmem_reacct_size, shmem_acct_block, "
                       "shmem_recalc_inode, shmem_evict_inode, newseg",
          .look_at = "each value is named after its step; pages that a step "
                     "keeps or gives back too much"},
     .needs = {.alone = true},
     .adjust = AdjustMode,
     .params = {{"mode", {"0", "1", "2"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
