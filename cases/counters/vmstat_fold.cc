// SPDX-License-Identifier: Apache-2.0
// /proc/meminfo counts to the page once its per-CPU parts are folded in, and is
// off by no more than those parts before; the node says the same.
#include "cases/counters/file_pages.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr std::int64_t kTables = 64;

constexpr const char* kFields[] = {"AnonPages", "Shmem", "Mapped",
                                   "PageTables"};

struct Fields {
  Bytes of[std::size(kFields)];
  Fields() {
    for (std::size_t i = 0; i < std::size(kFields); ++i) {
      of[i] = Meminfo(kFields[i]);
    }
  }
};

struct Machine : Scene {
  int file = OpenCleanFile(trace, kSize);
  int memfd = MakeMemfd(trace, kSize);
  Fields before = {};
  std::int64_t drift = 0;  // the most that it was off while not folded
  Range anon = {};
  Range cached = {};
  Range shared = {};
  Range sparse = {};

  // What changed since the beginning, exactly.
  void Look() {
    const Fields coarse;
    RefreshVmstat();
    const Fields exact;
    for (std::size_t i = 0; i < std::size(kFields); ++i) {
      Set(kFields[i], exact.of[i] - before.of[i]);
      const std::int64_t off = (exact.of[i] - coarse.of[i]).count / kPage.count;
      drift = std::max(drift, std::abs(off));
    }
    Set("drift", drift);
  }
  // Runs once what will be counted: it may write to pages of its own.
  void Begin() {
    const Range first = MapAnonymous(trace, kPage);
    WritePages(trace, first);
    ReadPages(trace, first);
    Unmap(trace, first);
    ReadUsage();
    Look();
    OnceStill([] { return Meminfo("PageTables"); });
    before = Fields();
  }
};

Row<Machine> Changed(const Facts& f, Bytes anon, Bytes shmem, Bytes mapped) {
  // The judge looks at the subject meanwhile: on a page of its heap or stack
  // that it had not touched yet, now and then.
  constexpr Bytes kJudge = 2 * kPage;
  // mm/vmstat.c: a CPU keeps up to stat_threshold, at most 125, of each zone;
  // AnonPages and others count by node.
  return {&Machine::Look, AllOf(Size("AnonPages", Between(anon, anon + kJudge)),
                                Size("Shmem", shmem), Size("Mapped", mapped),
                                Count("drift", Le(125 * f.cpus)))};
}

// The node and vmstat say what meminfo says.
Row<Machine> LikeMeminfo(const char* field, const char* counter) {
  const std::string name = field;
  Rows<Machine> rows = {{name + " of node 0 off",
                         [=] { return NodeMeminfo(0, field) - Meminfo(field); },
                         0_B}};
  if (counter != nullptr) {
    rows.push_back({name + " of vmstat off",
                    [=] { return Vmstat(counter) * kPage - Meminfo(field); },
                    0_B});
  }
  return rows;
}

Bytes Tables() { return ReadUsage().page_tables; }

Steps<Machine> Make(const Params&, const Facts& f) {
  // Tables of others than the subject are not in its VmPTE; its own upper
  // levels were not all there. Since 6.14 they are freed by RCU.
  constexpr Bytes kNew = kTables * kPage;
  constexpr Bytes kAtMost = kNew + 2 * kPage;
  return {
      {"begin", &Machine::Begin, Changed(f, 0_B, 0_B, 0_B)},
      {"write anonymous memory",
       [](Machine& m) {
         m.anon = MapAnonymous(m.trace, kSize);
         WritePages(m.trace, m.anon);
       },
       Changed(f, kSize, 0_B, 0_B)},
      {"read a file",
       [](Machine& m) {
         m.cached = MapFile(m.trace, m.file, kSize, PROT_READ, MAP_PRIVATE);
         ReadPages(m.trace, m.cached);
       },
       Changed(f, kSize, 0_B, kSize)},
      {"write a memfd",
       [](Machine& m) {
         m.shared = MapFile(m.trace, m.memfd, kSize, PROT_READ | PROT_WRITE,
                            MAP_SHARED);
         WritePages(m.trace, m.shared);
       },
       Changed(f, kSize, kSize, 2 * kSize)},
      {"fill 64 tables",
       [](Machine& m) {
         m.sparse = MapAnonymous(m.trace, kTables * kHugePage);
         ReadPages(m.trace, m.sparse, kHugePage);
       },
       Changed(f, kSize, kSize, 2 * kSize),
       Change("VmPTE", Tables, Between(kNew, kAtMost)),
       Difference("PageTables", "write a memfd.PageTables",
                  Between(kNew.count, kAtMost.count)),
       LikeMeminfo("AnonPages", "nr_anon_pages"),
       LikeMeminfo("Shmem", "nr_shmem"), LikeMeminfo("Mapped", "nr_mapped"),
       LikeMeminfo("PageTables", nullptr)},
      {"unmap the tables and the memfd",
       [](Machine& m) {
         Unmap(m.trace, m.sparse);
         Unmap(m.trace, m.shared);
       },
       Changed(f, kSize, kSize, kSize)},
      {"unmap and close the rest",
       [](Machine& m) {
         close(m.memfd);
         Unmap(m.trace, m.cached);
         Unmap(m.trace, m.anon);
       },
       Changed(f, 0_B, 0_B, 0_B)},
  };
}

const Register kVmstatFold{
    {.id = "counters/vmstat_fold",
     .summary = "AnonPages, Shmem, Mapped, PageTables are exact once folded",
     .claim = "Seed 0: counters are synced late; rule of vmstat: by at most "
              "125 pages a CPU",
     .functions = "__mod_lruvec_page_state, refresh_vm_stats, "
                  "page_add_new_anon_rmap, page_add_file_rmap",
     .look_at = "drift beyond 125 a CPU: the threshold",
     .needs = {.alone = true},
     .steps = Make,
     .metrics = {Metric::Count("drift_pages", "unmap and close the rest.drift")
                     .Within(125, "per-CPU parts")}}};

}  // namespace
}  // namespace oomgate
