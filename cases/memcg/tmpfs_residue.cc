// SPDX-License-Identifier: Apache-2.0
// Shared memory belongs to the group that wrote it first, not to a writer: at
// the limit it is a kill, no ENOSPC, and it stays charged until it is unlinked.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kSmall = 2_MiB;
constexpr const char* kFile = "/tmp/oomgate-residue";

int WriteIt(Trace& trace, Bytes size) {
  const int file = Must(trace, kFile, open(kFile, O_CREAT | O_WRONLY, 0600));
  const int error = WriteFile(trace, file, size);
  close(file);
  return error;
}

struct Residue : Scene {
  GroupInBox group{trace, f};

  // A member that writes it: how it ended, and what it was told.
  void WriteInGroup(Bytes size) const {
    group.Set(trace, "memory.max", kLimit);
    Set("write", 0);
    Set("status", group.Run([&] { Set("write", WriteIt(trace, size)); }));
  }
  void WriteSmall() const { WriteInGroup(kSmall); }
  void WriteTooMuch() const { WriteInGroup(2 * kLimit); }
  int WriteOutside() const { return WriteIt(trace, kSmall); }
  void UnlinkAndWrite() {
    unlink(kFile);
    WriteIn(&Residue::group, 1_MiB)(*this);
  }
  Bytes OwnShmem() { return Bytes{group.self().Field("memory.stat", "shmem")}; }
};

Steps<Residue> Make(const Params&, const Facts& f) {
  constexpr auto kGroup = &Residue::group;
  constexpr Bytes kOther = 96 * kPage;  // stack, tables, dentry and inode
  const auto shmem = Stat(kGroup, "shmem");
  const auto current = SizeIn(kGroup, "memory.current");
  const auto kills = Event(kGroup, "oom_kill");
  return {
      {"write 2 MiB, and exit", &Residue::WriteSmall, Count("status", 0),
       Count("write", 0), Soon("shmem", shmem, About(f, kSmall)),
       Is("file", Stat(kGroup, "file"), About(f, kSmall)),
       Is("anon", Stat(kGroup, "anon"), About(f, 0_B)),
       Is("current", current,
          Between(kSmall, kSmall + kOther + ChargeStock(f)))},
      {"write them from outside the group", &Residue::WriteOutside,
       Written(kSmall), Change("own shmem", &Residue::OwnShmem, About(f, 0_B)),
       Is("shmem", shmem, About(f, kSmall))},
      {"unlink it", [] { unlink(kFile); }, Soon("shmem", shmem, About(f, 0_B))},
      {"write 16 MiB of 8", &Residue::WriteTooMuch, Count("status", SIGKILL),
       Count("write", 0), Written(Between(kLimit - kOther, kLimit)),
       Is("current", current, Between(kLimit - kOther, kLimit)),
       Change("kills", kills, 1)},
      {"write 1 MiB in the full group", WriteIn(kGroup, 1_MiB),
       Count("status", SIGKILL), Change("kills", kills, 1)},
      {"unlink it again, write 1 MiB", &Residue::UnlinkAndWrite,
       Count("status", 0), Change("kills", kills, 0),
       Soon("current", current, Le(512_KiB))}};
}

const Register kTmpfsResidue{
    {.id = "memcg/tmpfs_residue",
     .summary = "tmpfs pages stay charged to their group until unlink",
     .claim = "Seed 1: shm; admin-guide/cgroup-v2: Memory Ownership",
     .functions = "shmem_add_to_page_cache, shmem_undo_range, mem_cgroup_oom",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2, .alone = true},
     .steps = Make,
     .metrics = {
         Metric::Size("left_current", "unlink it again, write 1 MiB.current")
             .Within(1 << 19, "per-CPU charge batches")}}};

}  // namespace
}  // namespace oomgate
