// SPDX-License-Identifier: Apache-2.0
// Shared memory counts in RssShmem, in full for everyone who touched it, and
// half of it in the Pss of two; it is nobody's anonymous memory, and reading
// it allocates it.
#include "cases/shm/file.h"
#include "cases/shm/sysv.h"

namespace oomgate::shm {
namespace {

constexpr Bytes kSize = 8_MiB;
constexpr Bytes kRead = 2_MiB;  // by the child, before anybody wrote it

struct Classes {
  Bytes anon = StatusField("RssAnon");
  Bytes file = StatusField("RssFile");
  Bytes shmem = StatusField("RssShmem");
};

Range Map(Trace& trace, std::string_view kind) {
  if (kind == "anon") {
    return MapAnonymous(trace, kSize,
                        {.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE});
  }
  if (kind == "memfd") {
    const int file = MakeMemfd(trace, kSize);
    const Range range = MapBare(trace, kSize, kRw, MAP_SHARED, file);
    close(file);
    return range;
  }
  const int id = Must(trace, "shmget", MakeSegment(kSize));
  const Range range = Attach(trace, id, kSize);
  TryRemove(id);
  return range;
}

struct Shared : Scene {
  Range range = Map(trace, p["kind"]);
  Bytes machine_before = Folded("Shmem");
  Classes warm_up = {};
  Gate go{trace};
  Gate done{trace};
  pid_t child = 0;
  Classes before = {};

  Bytes Machine() const { return Folded("Shmem") - machine_before; }
  Bytes Smaps(const char* field) const { return MappingField(range, field); }

  // In turns with the parent. What it sets belongs to the step that runs.
  void BeChild() {
    const Classes start;
    const std::int64_t faults = ReadUsage().minor_faults;
    ReadPages(trace, range.Part(0_B, kRead));
    Set("faults", ReadUsage().minor_faults - faults);
    Set("rss", Smaps("Rss"));
    done.Open();
    go.Pass();
    WritePages(trace, range);
    done.Open();
    go.Pass();
    const Classes now;
    Set("child's RssAnon", now.anon - start.anon);
    Set("child's RssShmem", now.shmem - start.shmem);
    Set("child's rss", Smaps("Rss"));
    Set("child's pss", Smaps("Pss"));
    Set("child's anonymous", Smaps("Anonymous"));
    done.Open();
    go.Pass();
  }
  void StartChild() {
    child = oomgate::StartChild(trace, [&] { BeChild(); });
    done.Pass();
  }
  void LetChildGoOn() {
    go.Open();
    done.Pass();
  }
  void WriteToo() {
    WritePages(trace, range);
    LetChildGoOn();
  }
  void EndChild() {
    go.Open();
    Reap(child);
  }
};

template <typename Expected>
auto Smaps(const char* name, const char* field, Expected expected) {
  return Is(
      name, [=](Shared& s) { return s.Smaps(field); }, expected);
}
// The growth of one of the classes.
template <typename Expected>
auto Grown(const char* name, Bytes Classes::*of, Expected expected) {
  return Is(
      name, [=](Shared& s) { return Classes().*of - s.before.*of; }, expected);
}

Steps<Shared> Make(const Params&, const Facts& f) {
  // rss_stat was a per-task cache of up to 64 events before 6.2, and a per-CPU
  // counter of batches of 32 pages a CPU until it was read exactly (6.16 and
  // backports).
  const Bytes lag = 66 * kPage * f.cpus;
  // Started from a tmpfs, the program's own pages are shared memory, too.
  const auto about = [=](Bytes size) {
    return Between(size - lag, size + lag + 1_MiB);
  };
  const auto no_anon = Between(0_B - lag, lag);
  const auto no_file = Between(0_B - 66 * 16 * kPage, 66 * 16 * kPage);
  const auto shmem = [=](Bytes size) {
    return Grown("RssShmem", &Classes::shmem, about(size));
  };
  const auto machine = [](Bytes size) {
    return Is("machine", &Shared::Machine, size);
  };
  const std::int64_t read = kRead / kPage;
  return {
      // Reading allocates: there is no zero page in a file. A few faults are of
      // the program's own pages, which a fork leaves out.
      {"read 2 MiB in a child", &Shared::StartChild,
       Count("faults", Between(read, read + 16)), Size("rss", kRead),
       machine(kRead)},
      {"write all in the child", &Shared::LetChildGoOn, shmem(0_B),
       Smaps("rss", "Rss", 0_B), machine(kSize)},
      {"write all here, too", &Shared::WriteToo,
       Size("child's RssAnon", no_anon), Size("child's RssShmem", about(kSize)),
       Size("child's rss", kSize), Size("child's pss", kSize / 2),
       Size("child's anonymous", 0_B),
       Grown("RssAnon", &Classes::anon, no_anon),
       Grown("RssFile", &Classes::file, no_file), shmem(kSize),
       Smaps("rss", "Rss", kSize), Smaps("pss", "Pss", kSize / 2),
       Smaps("anonymous", "Anonymous", 0_B),
       Smaps("shared", "Shared_Dirty", kSize), machine(kSize)},
      {"end the child", &Shared::EndChild, Smaps("pss", "Pss", kSize),
       Smaps("shared", "Shared_Dirty", 0_B)},
      {"unmap it", [](Shared& s) { Unmap(s.trace, s.range); }, shmem(0_B),
       machine(0_B)},
  };
}

const Register kRssClass{
    {.id = "shm/rss_class",
     .summary = "shared memory is RssShmem of all who touched it, Pss shared",
     .claim =
         "Seed 1: shm, observing memory; seed 0: reading does not allocate, "
         "which is false of shared memory (shm.anon_shared_reads_allocate)",
     .functions = "mm_counter_file, shmem_fault, smaps_account",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"kind", {"anon", "memfd", "sysv"}}},
     .steps = Make,
     .metrics = {Metric::Size("both.range_rss", "write all here, too.rss")}}};

}  // namespace
}  // namespace oomgate::shm
