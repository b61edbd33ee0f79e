// SPDX-License-Identifier: Apache-2.0
// File pages do not get a group killed: at memory.max, and at memory.high,
// they are reclaimed, written back first where they are dirty, and the group
// stays within its limit.
#include "cases/memcg/groups.h"
#include "cases/memcg/pressure.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 4_MiB;
constexpr Bytes kFile = 12_MiB;
constexpr Bytes kSmall = 2_MiB;
constexpr Bytes kChunk = 64_KiB;
constexpr Bytes kAhead = 256_KiB;  // may be read ahead
constexpr std::int64_t kStolen = 2 * (kFile - kLimit) / kPage;

struct Disk : Scene {
  // The last to close a disk drops its pages: not the children, then.
  int keep = Must(trace, "open of the disk", open(kScratchDisk, O_RDONLY));
  GroupInBox group{trace, f};
  bool high = p["limit"] == "high";
  int limited = Limit();

  int Limit() const {
    group.Set(trace, high ? "memory.high" : "memory.max", kLimit);
    return 0;
  }
  // Reads or writes its start in a child; counts bytes in "moved".
  int Move(Bytes size, bool write) const;
  void Forget() const { posix_fadvise(keep, 0, 0, POSIX_FADV_DONTNEED); }

  std::int64_t Number(const char* field) const {
    return group.Field("memory.stat", field);
  }
};

int Disk::Move(Bytes size, bool write) const {
  static char chunk[kChunk.count];
  Set("moved", 0);
  Set("wrong", 0);
  return group.Run([&] {
    const int disk =
        Must(trace, "open of the disk", open(kScratchDisk, O_RDWR));
    // Newer kernels read further ahead than the group has room.
    posix_fadvise(disk, 0, 0, POSIX_FADV_RANDOM);
    for (Bytes at; at < size; at += kChunk) {
      const auto mark = static_cast<char>(at / kChunk);
      chunk[0] = static_cast<char>(write ? mark : ~mark);
      const ssize_t n = write ? pwrite(disk, chunk, sizeof chunk, at.count)
                              : pread(disk, chunk, sizeof chunk, at.count);
      if (n != static_cast<ssize_t>(sizeof chunk)) trace.Stop("disk", errno);
      trace.Add("moved", n);
      trace.Add("wrong", chunk[0] == mark ? 0 : 1);
    }
    if (write) Must(trace, "fsync", fsync(disk));
  });
}

auto Move(Bytes size, bool write = false) {
  return [=](const Disk& s) { return s.Move(size, write); };
}

// What the group has told of its reclaim, once it is as much as that.
void TellReclaim(Disk& s) {
  s.Set("stolen", OnceHolds(
                      5000, [&] { return s.Number("pgsteal"); },
                      [](auto stolen) { return stolen >= kStolen; }));
  const Stalls stalls(s.group);
  s.Set("stalled us", stalls.some);
  s.Set("stalled full us", stalls.full);
  s.Set("scanned", s.Number("pgscan"));
}

// Once nothing is left of it: what was theirs who are gone is folded in late.
Row<Disk> NoMore(const char* field) {
  return Soon(field, Stat(&Disk::group, field), 0_B);
}

std::int64_t Read() { return Vmstat("pgpgin"); }

Steps<Disk> Make(const Params& p, const Facts& f) {
  const bool high = p["limit"] == "high";
  // Above memory.high until the task returns to user space: a chunk, with
  // what was read ahead.
  const Bytes most =
      kLimit + (high ? 2 * kChunk + 1_MiB + ChargeStock(f) : 0_B);
  // What must have been taken to move that much through that little; more than
  // 50 ns for each were a stall.
  constexpr std::int64_t kLeast = kStolen - 256;
  // Who is alone there gets nothing done while it reclaims; before 5.17
  // (cb0e52b77487) only waiting was told.
  const double full = f.kernel < KernelVersion{5, 17} ? 0.0 : 90.0;
  constexpr auto kGroup = &Disk::group;
  const auto current = Is("current", SizeIn(kGroup, "memory.current"),
                          Between(kLimit / 2, most));
  const auto moved = [](Bytes size) {
    return AllOf(Size("moved", size), Count("wrong", 0));
  };
  Rows<Disk> reclaimed{
      moved(kFile),
      current,
      {TellReclaim,
       AllOf(Count("stolen", Ge(kLeast)),
             Difference("scanned", "stolen", Ge(0)),
             Count("stalled us", Ge(kLeast / 20)),
             Percent("stalled full us", "stalled us", Between(full, 101.0)))},
      Is("file", Stat(kGroup, "file"), Between(kLimit / 2, most)),
      NoMore("anon"),
      NoMore("file_dirty"),
      Is("met", Event(kGroup, high ? "high" : "max"), Gt(0)),
      Is("not met", Event(kGroup, high ? "max" : "high"), 0),
      Is("oom", Event(kGroup, "oom"), 0),
      Is("oom_kill", Event(kGroup, "oom_kill"), 0)};
  // memory.peak came with 5.19.
  if (f.kernel >= KernelVersion{5, 19}) {
    reclaimed.push_back(
        Is("peak", SizeIn(kGroup, "memory.peak"), Between(kLimit, most)));
  }
  return {
      {"write three times the limit", Move(kFile, true), moved(kFile), current},
      {"read it all", Move(kFile), reclaimed},
      {"forget it", &Disk::Forget, NoMore("file")},
      {"read a part that fits", Move(kSmall), moved(kSmall)},
      // What fits stays: read again, it is not read from the disk.
      {"read it again", Move(kSmall), moved(kSmall), Change("kB read", Read, 0),
       Soon("file", Stat(kGroup, "file"),
            Between(kSmall - StatError(f), kSmall + kAhead + StatError(f)))},
  };
}

const Register kFileReclaim{
    {.id = "memcg/file_reclaim",
     .summary = "file pages are reclaimed at the limit; nobody is killed",
     .claim = "Documentation/admin-guide/cgroup-v2: at memory.max and "
              "memory.high, page cache is reclaimed; seed 1: page cache",
     .functions = "try_to_free_mem_cgroup_pages, shrink_node_memcgs, "
                  "balance_dirty_pages, reclaim_high",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true, .disk = 64_MiB},
     .params = {{"limit", {"max", "high"}}},
     .steps = Make,
     .metrics = {{.name = "scanned",
                  .better = Better::kLower,
                  .unit = "pages",
                  .kind = Kind::kBounded,
                  .tolerance = 20000,
                  .cause = "write-back decides what is scanned twice",
                  .value = "read it all.scanned"}}}};

}  // namespace
}  // namespace oomgate
