// SPDX-License-Identifier: Apache-2.0
// Shared memory counts in RssShmem, in full for everyone who touched it, and
// half of it in the Pss of two; it is nobody's anonymous memory, and reading
// it allocates it.
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;
constexpr Bytes kRead = 2_MiB;  // by the child, before anybody wrote it

struct Classes {
  Bytes anon;
  Bytes file;
  Bytes shmem;
};

// Up to 6.1 each task folds its own counters in every 64 faults: so many
// pages may be missing. smaps are exact.
Classes Read() {
  return {StatusField("RssAnon"), StatusField("RssFile"),
          StatusField("RssShmem")};
}

Range Map(Trace& trace, std::string_view kind, int& id) {
  MapOptions options;
  options.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  if (kind == "anon") return MapAnonymous(trace, kSize, options);
  const auto length = static_cast<std::size_t>(kSize.count);
  if (kind == "memfd") {
    id = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
    if (ftruncate(id, kSize.count) != 0) trace.Stop("ftruncate", errno);
    void* at = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, id, 0);
    if (at == MAP_FAILED) trace.Stop("mmap of a memfd", errno);
    return {.start = static_cast<char*>(at), .size = kSize};
  }
  id = shmget(IPC_PRIVATE, length, IPC_CREAT | 0600);
  if (id < 0) trace.Stop("shmget", errno);
  void* at = shmat(id, nullptr, 0);
  shmctl(id, IPC_RMID, nullptr);
  if (at == reinterpret_cast<void*>(-1)) trace.Stop("shmat", errno);
  return {.start = static_cast<char*>(at), .size = kSize};
}

void Look(Trace& trace, const char* who, const Range& range,
          const Classes& before) {
  const auto set = [&](const char* what, Bytes value) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", who, what);
    trace.Set(name, value);
  };
  const Classes now = Read();
  set("anon", now.anon - before.anon);
  set("file", now.file - before.file);
  set("shmem", now.shmem - before.shmem);
  set("range_rss", ReadMapping(range).rss);
  set("range_pss", MappingField(range, "Pss"));
  set("range_anon", MappingField(range, "Anonymous"));
  set("range_shared", MappingField(range, "Shared_Dirty"));
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  int id = -1;
  const Range range = Map(trace, p["kind"], id);
  RefreshVmstat();
  const Bytes machine = Meminfo("Shmem");
  Read();
  Gate mapped(trace);
  Gate written(trace);
  Gate looked(trace);
  Gate end(trace);
  const Classes before = Read();
  const pid_t child = StartChild(trace, [&] {
    // Reading allocates: there is no zero page in a file.
    const Classes start = Read();
    const Usage faults = ReadUsage();
    ReadPages(trace, range.Part(0_B, kRead));
    trace.Set("read_faults", ReadUsage().minor_faults - faults.minor_faults);
    trace.Set("read_rss", ReadMapping(range).rss);
    RefreshVmstat();
    trace.Set("read_machine", Meminfo("Shmem") - machine);
    WritePages(trace, range);
    mapped.Open();
    written.Pass();
    Look(trace, "child", range, start);
    looked.Open();
    end.Pass();
  });
  mapped.Pass();
  Look(trace, "untouched", range, before);
  WritePages(trace, range);
  written.Open();
  looked.Pass();
  Look(trace, "both", range, before);
  RefreshVmstat();
  trace.Set("machine", Meminfo("Shmem") - machine);
  end.Open();
  Reap(child);
  Look(trace, "alone", range, before);
  munmap(range.start, static_cast<std::size_t>(range.size.count));
  if (p["kind"] == "memfd") close(id);
  trace.Set("left", Read().shmem - before.shmem);
}

Oracle Expect(const Params&, const Facts& f) {
  // rss_stat was a per-task cache of up to 64 events before 6.2, and a per-CPU
  // counter of batches of 32 pages a CPU until it was read exactly (6.16 and
  // backports).
  const Bytes lag = 66 * kPage * f.cpus;
  // Started from a tmpfs, the program's own pages are shared memory, too.
  const auto about = [=](Bytes size) {
    return Between(size - lag, size + lag + 1_MiB);
  };
  const auto other = Between(0_B - 66 * 16 * kPage, 66 * 16 * kPage);
  const std::int64_t read = kRead / kPage;
  return AllOf(
      // A few are of the program's own pages, which a fork leaves out.
      Survives(), Count("read_faults", Between(read, read + 16)),
      Size("read_rss", Eq(kRead)), Size("read_machine", Eq(kRead)),
      Size("machine", Eq(kSize)), Size("untouched.range_rss", Eq(0_B)),
      Size("child.range_rss", Eq(kSize)), Size("both.range_rss", Eq(kSize)),
      Size("child.range_anon", Eq(0_B)), Size("both.range_anon", Eq(0_B)),
      Size("child.range_pss", Eq(kSize / 2)),
      Size("both.range_pss", Eq(kSize / 2)),
      Size("both.range_shared", Eq(kSize)), Size("alone.range_pss", Eq(kSize)),
      Size("alone.range_shared", Eq(0_B)), Size("child.shmem", about(kSize)),
      Size("both.shmem", about(kSize)), Size("untouched.shmem", about(0_B)),
      Size("child.anon", Between(0_B - lag, lag)),
      Size("both.anon", Between(0_B - lag, lag)), Size("both.file", other),
      Size("left", about(0_B)));
}

const Register kRssClass{
    {.id = "shm/rss_class",
     .summary = "shared memory is RssShmem of all who touched it, Pss shared",
     .claim =
         "Seed 1: shm, observing memory; seed 0: reading does not allocate, "
         "which is false of shared memory (shm.anon_shared_reads_allocate)",
     .deed =
         "a child reads, then writes shared memory, its parent writes the same",
     .functions = "mm_counter_file, shmem_fault, smaps_account",
     .look_at = "both.* are the parent's counters while both have it, alone.* "
                "after the child's end",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"kind", {"anon", "memfd", "sysv"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("both.range_rss")}}};

}  // namespace
}  // namespace oomgate
