// SPDX-License-Identifier: Apache-2.0
// File pages do not get a group killed: at memory.max, and at memory.high,
// they are reclaimed, written back first where they are dirty, and the group
// stays within its limit.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "cases/memcg/pressure.h"
#include "cases/memcg/stat.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 4_MiB;
constexpr Bytes kFile = 12_MiB;
constexpr Bytes kSmall = 2_MiB;
constexpr Bytes kChunk = 64_KiB;
constexpr Bytes kAhead = 256_KiB;  // may be read ahead

char chunk[kChunk.count];

// Reads or writes the start of the disk; counts bytes in "moved".
void Move(Trace& trace, Bytes size, bool write) {
  const int disk = open(kScratchDisk, O_RDWR | O_CLOEXEC);
  if (disk < 0) trace.Stop("open of the scratch disk", errno);
  // Newer kernels read further ahead than the group has room.
  posix_fadvise(disk, 0, 0, POSIX_FADV_RANDOM);
  for (Bytes at; at < size; at += kChunk) {
    chunk[0] = static_cast<char>(at / kChunk);
    const ssize_t n = write ? pwrite(disk, chunk, sizeof chunk, at.count)
                            : pread(disk, chunk, sizeof chunk, at.count);
    if (n != static_cast<ssize_t>(sizeof chunk)) trace.Stop("disk", errno);
    trace.Add("moved", n);
    if (!write && chunk[0] != static_cast<char>(at / kChunk)) {
      trace.Add("wrong", 1);
    }
  }
  if (write && fsync(disk) != 0) trace.Stop("fsync", errno);
  close(disk);
}

void Forget() {
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
  close(disk);
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  // The last to close a disk drops its pages: not the children, then.
  const int keep = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  const bool high = p["limit"] == "high";
  group.Set(trace, high ? "memory.high" : "memory.max", kLimit);
  trace.Set("wrong", 0);
  const auto run = [&](Bytes size, bool write) {
    return Reap(StartChildIn(trace, group, [&] { Move(trace, size, write); }));
  };
  trace.Set("writer", run(kFile, true));
  trace.Set("written", trace.Counter("moved").load());
  trace.Set("after_write", group.Number("memory.current"));
  trace.Set("reader", run(kFile, false));
  trace.Set("after_read", group.Number("memory.current"));
  trace.Set("moved_both", trace.Counter("moved").load());
  const auto file = [&] { return group.Field("memory.stat", "file"); };
  HoldsWithin(5000, [&] {
    return group.Field("memory.stat", "pgsteal") >=
           2 * (kFile - kLimit) / kPage;
  });
  trace.Set("stolen", group.Field("memory.stat", "pgsteal"));
  const Stalls stalls(group);
  trace.Set("stalled_us", stalls.some);
  trace.Set("stalled_full_us", stalls.full);
  trace.Set("scanned", group.Field("memory.stat", "pgscan"));
  trace.Set("file", file());
  // Those who wrote are gone; what was theirs is folded in within 2 s.
  const auto anon = [&] { return group.Field("memory.stat", "anon"); };
  const auto dirty = [&] { return group.Field("memory.stat", "file_dirty"); };
  HoldsWithin(5000, [&] { return anon() == 0 && dirty() == 0; });
  trace.Set("anon", anon());
  trace.Set("dirty", dirty());
  trace.Set("max", group.Field("memory.events", "max"));
  trace.Set("high", group.Field("memory.events", "high"));
  trace.Set("oom", group.Field("memory.events", "oom"));
  trace.Set("kills", group.Field("memory.events", "oom_kill"));
  trace.Set("peak", group.Number("memory.peak"));
  Forget();
  HoldsWithin(5000, [&] { return file() == 0; });
  trace.Set("forgotten_file", file());
  // What fits stays: read again, it is not read from the disk.
  trace.Set("small", run(kSmall, false));
  const std::int64_t before = Vmstat("pgpgin");
  trace.Set("small_again", run(kSmall, false));
  trace.Set("read_again_kb", Vmstat("pgpgin") - before);
  HoldsWithin(5000, [&] { return file() >= (kSmall - StatError(f)).count; });
  trace.Set("small_file", file());
  Forget();
  close(keep);
  group.Remove(trace);
}

Oracle Expect(const Params& p, const Facts& f) {
  const bool high = p["limit"] == "high";
  const Bytes stock = 64 * f.cpus * kPage;
  // Above memory.high until the task returns to user space: a chunk, with
  // what was read ahead.
  const Bytes above = high ? 2 * kChunk + 1_MiB + stock : 0_B;
  // What must have been taken to move that much through that little; more than
  // 50 ns for each were a stall.
  const std::int64_t least = 2 * (kFile - kLimit) / kPage - 256;
  // Who is alone there gets nothing done while it reclaims; before 5.17
  // (cb0e52b77487) only waiting was told.
  const double full = f.kernel < KernelVersion{5, 17} ? 0.0 : 90.0;
  Oracle all = AllOf(
      Survives(), Count("writer", Eq(0)), Count("reader", Eq(0)),
      Size("written", Eq(kFile)), Size("moved_both", Eq(2 * kFile)),
      Count("wrong", Eq(0)),
      Size("after_write", Between(kLimit / 2, kLimit + above)),
      Size("after_read", Between(kLimit / 2, kLimit + above)),
      Count("stolen", Ge(least)), Difference("scanned", "stolen", Ge(0)),
      Size("file", Between(kLimit / 2, kLimit + above)), Size("anon", Eq(0_B)),
      Size("dirty", Eq(0_B)), Count("stalled_us", Ge(least / 20)),
      Percent("stalled_full_us", "stalled_us", Between(full, 101.0)),
      Count(high ? "high" : "max", Gt(0)), Count(high ? "max" : "high", Eq(0)),
      Count("oom", Eq(0)), Count("kills", Eq(0)),
      Size("forgotten_file", Eq(0_B)), Count("small", Eq(0)),
      Count("small_again", Eq(0)), Count("read_again_kb", Eq(0)),
      Size("small_file",
           Between(kSmall - StatError(f), kSmall + kAhead + StatError(f))));
  // memory.peak came with 5.19.
  if (f.kernel < KernelVersion{5, 19}) return all;
  return AllOf(all, Size("peak", high ? Between(kLimit, kLimit + above)
                                      : Between(kLimit, kLimit)));
}

const Register kFileReclaim{
    {.id = "memcg/file_reclaim",
     .summary = "file pages are reclaimed at the limit; nobody is killed",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: at memory.max "
                           "and memory.high, page cache is reclaimed; seed 1: "
                           "page cache",
                  .deed = "writes and reads a disk three times as large as "
                          "the limit, then a part that fits, twice",
                  .functions = "try_to_free_mem_cgroup_pages, "
                               "shrink_node_memcgs, balance_dirty_pages, "
                               "reclaim_high",
                  .look_at = "stolen, scanned and stalled tell of the reclaim; "
                             "read_again_kb that what fits was dropped"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true, .disk = 64_MiB},
     .params = {{"limit", {"max", "high"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "scanned",
                  .better = Better::kLower,
                  .unit = "pages",
                  .kind = Kind::kBounded,
                  .tolerance = 20000,
                  .cause = "write-back decides what is scanned twice"}}}};

}  // namespace
}  // namespace oomgate
