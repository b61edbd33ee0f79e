// SPDX-License-Identifier: Apache-2.0
// Shared memory belongs to the group that wrote it, not to the writer: it is
// no ENOSPC but a kill at the limit, stays charged after the writer's death,
// lets nobody else live there, and is given back by unlink.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kSmall = 2_MiB;
constexpr const char* kFile = "/tmp/oomgate-residue";

// As much of it as can be written, from the start; counts "written".
int WriteFile(Trace& trace, Bytes size) {
  static char page[4096];
  page[0] = 1;
  const int file = Must(trace, "open of a file in tmpfs",
                        open(kFile, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  int error = 0;
  for (Bytes at; at < size && error == 0; at += kPage) {
    error = ErrnoOf(write(file, page, sizeof page));
    if (error == 0) trace.Set("written", at + kPage);
  }
  close(file);
  return error;
}

struct Residue : Scene {
  GroupInBox group{trace, f};

  // A member that writes it: how it ended, and what it was told.
  void WriteInGroup(Bytes size) const {
    group.Set(trace, "memory.max", kLimit);
    Set("write", 0);
    Set("status", group.Run([&] { Set("write", WriteFile(trace, size)); }));
  }
  std::int64_t Kills() { return group.Field("memory.events", "oom_kill"); }
  Bytes OwnShmem() { return Bytes{group.self().Field("memory.stat", "shmem")}; }
};

Steps<Residue> Make(const Params&, const Facts& f) {
  const Bytes stock = f.cpus * 64 * kPage;
  constexpr Bytes kOther = 96 * kPage;  // stack, tables, dentry and inode
  const auto stat = [](const char* key) { return Stat(&Residue::group, key); };
  const auto current = SizeIn(&Residue::group, "memory.current");
  return {
      {"write 2 MiB, and exit",
       [](Residue& r) { r.WriteInGroup(kSmall); },
       {Count("status", 0),
        Count("write", 0),
        Soon("shmem", stat("shmem"), About(f, kSmall)),
        {"file", stat("file"), About(f, kSmall)},
        {"anon", stat("anon"), About(f, 0_B)},
        {"current", current, Between(kSmall, kSmall + kOther + stock)}}},
      // It is charged already.
      {"write them from outside the group",
       [](Residue& r) { return WriteFile(r.trace, kSmall); },
       {Written(kSmall),
        Change("own shmem", &Residue::OwnShmem, About(f, 0_B)),
        {"shmem", stat("shmem"), About(f, kSmall)}}},
      {"unlink it",
       [] { unlink(kFile); },
       {Soon("shmem", stat("shmem"), About(f, 0_B))}},
      {"write 16 MiB of 8",
       [](Residue& r) { r.WriteInGroup(2 * kLimit); },
       {Count("status", SIGKILL),
        Count("write", 0),
        Written(Between(kLimit - kOther, kLimit)),
        {"current", current, Between(kLimit - kOther, kLimit)},
        Change("kills", &Residue::Kills, 1)}},
      {"write 1 MiB in the full group",
       WriteIn(&Residue::group, 1_MiB),
       {Count("status", SIGKILL), Change("kills", &Residue::Kills, 1)}},
      {"unlink it again, write 1 MiB",
       [](Residue& r) {
         unlink(kFile);
         WriteIn(&Residue::group, 1_MiB)(r);
       },
       {Count("status", 0), Change("kills", &Residue::Kills, 0),
        Soon("current", current, Le(512_KiB))}},
  };
}

const Register kTmpfsResidue{
    {.id = "memcg/tmpfs_residue",
     .summary = "tmpfs pages stay charged to their group until unlink",
     .claim =
         "Seed 1: shm; Documentation/admin-guide/cgroup-v2: a memory area is "
         "charged to the cgroup which instantiated it, until it is released",
     .functions = "shmem_add_to_page_cache, mem_cgroup_charge, "
                  "shmem_undo_range, mem_cgroup_oom",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2, .alone = true},
     .steps = Make,
     .metrics = {
         Metric::Size("left_current", "unlink it again, write 1 MiB.current")
             .Within(1 << 19, "per-CPU charge batches")}}};

}  // namespace
}  // namespace oomgate
