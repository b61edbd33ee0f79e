// SPDX-License-Identifier: Apache-2.0
// Shared memory belongs to the group that wrote it, not to the writer: it is
// no ENOSPC but a kill at the limit, stays charged after the writer's death,
// lets nobody else live there, and is given back by unlink.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "cases/memcg/stat.h"
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kSmall = 2_MiB;
constexpr int kFolded = 5000;
constexpr const char* kFile = "/tmp/oomgate-residue";

// As much of it as can be written, from the start; counts "file_written".
void WriteFile(Trace& trace, Bytes size) {
  static char page[4096];
  page[0] = 1;
  const int file = open(kFile, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) trace.Stop("open of a file in tmpfs", errno);
  trace.Set("write_errno", 0);
  for (Bytes at; at < size; at += kPage) {
    if (write(file, page, sizeof page) != static_cast<ssize_t>(sizeof page)) {
      trace.Set("write_errno", errno);
      break;
    }
    trace.Set("file_written", at + kPage);
  }
  close(file);
}

int RunTiny(Trace& trace, const Group& group) {
  return Reap(StartChildIn(
      trace, group, [&] { WritePages(trace, MapAnonymous(trace, 1_MiB)); }));
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Set(trace, "memory.max", kLimit);
  // One that exits: what it wrote stays.
  Reap(StartChildIn(trace, group, [&] { WriteFile(trace, kSmall); }));
  trace.Set("small_errno", trace.Counter("write_errno").load());
  const auto shmem = [&] { return group.Field("memory.stat", "shmem"); };
  HoldsWithin(kFolded, [&] { return Near(f, shmem(), kSmall); });
  trace.Set("small_shmem", shmem());
  trace.Set("small_file", group.Field("memory.stat", "file"));
  trace.Set("small_anon", group.Field("memory.stat", "anon"));
  trace.Set("small_current", group.Number("memory.current"));
  // Written by somebody of another group: it is charged already.
  const std::int64_t self = box.self().Field("memory.stat", "shmem");
  WriteFile(trace, kSmall);
  trace.Set("rewrite_self", box.self().Field("memory.stat", "shmem") - self);
  trace.Set("rewrite_shmem", shmem());
  unlink(kFile);
  HoldsWithin(kFolded, [&] { return Near(f, shmem(), 0_B); });
  trace.Set("unlinked_shmem", shmem());

  // One that is killed at the limit.
  trace.Set(
      "writer",
      Reap(StartChildIn(trace, group, [&] { WriteFile(trace, 2 * kLimit); })));
  trace.Set("full_errno", trace.Counter("write_errno").load());
  trace.Set("full_current", group.Number("memory.current"));
  const std::int64_t kills = group.Field("memory.events", "oom_kill");
  trace.Set("kills", kills);
  trace.Set("tiny_in_full", RunTiny(trace, group));
  trace.Set("tiny_kills", group.Field("memory.events", "oom_kill") - kills);
  unlink(kFile);
  trace.Set("tiny_after", RunTiny(trace, group));
  trace.Set("kills_after", group.Field("memory.events", "oom_kill") - kills);
  HoldsWithin(kFolded, [&] {
    return group.Number("memory.current") <= (512_KiB).count;
  });
  trace.Set("left_current", group.Number("memory.current"));
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes stock = f.cpus * 64 * kPage;
  constexpr Bytes kOther = 96 * kPage;  // stack, tables, dentry and inode
  return AllOf(Survives(), Count("small_errno", Eq(0)),
               Told(f, "small_shmem", kSmall), Told(f, "small_file", kSmall),
               Told(f, "small_anon", 0_B),
               Size("small_current", Between(kSmall, kSmall + kOther + stock)),
               Told(f, "rewrite_self", 0_B), Told(f, "rewrite_shmem", kSmall),
               Told(f, "unlinked_shmem", 0_B), Count("writer", Eq(SIGKILL)),
               Count("full_errno", Eq(0)), Count("kills", Eq(1)),
               Size("file_written", Between(kLimit - kOther, kLimit)),
               Size("full_current", Between(kLimit - kOther, kLimit)),
               Count("tiny_in_full", Eq(SIGKILL)), Count("tiny_kills", Eq(1)),
               Count("tiny_after", Eq(0)), Count("kills_after", Eq(1)),
               Size("left_current", Le(512_KiB)));
}

const Register kTmpfsResidue{
    {.id = "memcg/tmpfs_residue",
     .summary = "tmpfs pages stay charged to their group until unlink",
     .explains = {.claim = "Seed 1: shm; Documentation/admin-guide/cgroup-v2: "
                           "a memory area is charged to the cgroup which "
                           "instantiated it, until it is released",
                  .deed = "lets children write a file in tmpfs to its end and "
                          "to the limit, then lets small ones run, before and "
                          "after unlink",
                  .functions = "shmem_add_to_page_cache, mem_cgroup_charge, "
                               "shmem_undo_range, mem_cgroup_oom",
                  .look_at = "file_written is when the writer died; "
                             "tiny_in_full and tiny_after are wait statuses"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2, .alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "left_current",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 1 << 19,
                  .cause = "per-CPU charge batches"}}}};

}  // namespace
}  // namespace oomgate
