// SPDX-License-Identifier: Apache-2.0
// /proc/meminfo counts to the page once its per-CPU parts are folded in, and is
// off by no more than those parts before; the node says the same.
#include <sys/syscall.h>

#include <cstdlib>

#include "cases/counters/file_pages.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr std::int64_t kTables = 64;

constexpr const char* kFields[] = {"AnonPages", "Shmem", "Mapped",
                                   "PageTables"};
constexpr int kCount = 4;

struct Look {
  Bytes of[kCount];
  Look() {
    for (int i = 0; i < kCount; ++i) of[i] = Meminfo(kFields[i]);
  }
};

// What changed since `before`, exactly, as "<step>_<field>"; and how far off it
// was as long as it was not folded.
void Report(Trace& trace, const char* step, const Look& before) {
  const Look coarse;
  RefreshVmstat();
  const Look exact;
  std::int64_t drift = 0;
  for (int i = 0; i < kCount; ++i) {
    char name[48];
    std::snprintf(name, sizeof name, "%s_%s", step, kFields[i]);
    trace.Set(name, exact.of[i] - before.of[i]);
    const std::int64_t off =
        std::llabs(exact.of[i].count - coarse.of[i].count) / kPage.count;
    if (off > drift) drift = off;
  }
  if (drift > trace.Counter("drift_pages").load()) {
    trace.Set("drift_pages", drift);
  }
}

void Subject(Trace& trace, const Params&, const Facts&) {
  trace.Set("drift_pages", 0_B);
  const int file = OpenCleanFile(trace, kSize);
  const int memfd = static_cast<int>(syscall(SYS_memfd_create, "oomgate", 0));
  if (memfd < 0 || ftruncate(memfd, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  // Runs once what will be counted: it may write to pages of its own.
  const Range first = MapAnonymous(trace, kPage);
  WritePages(trace, first);
  ReadPages(trace, first);
  Unmap(trace, first);
  ReadUsage();
  Report(trace, "warm_up", Look());
  OnceStill([] { return Meminfo("PageTables"); });
  const Look before;

  const Range anon = MapAnonymous(trace, kSize);
  WritePages(trace, anon);
  Report(trace, "anon", before);
  const Range cached = MapFile(trace, file, kSize, PROT_READ, MAP_PRIVATE);
  ReadPages(trace, cached);
  Report(trace, "file", before);
  const Range shared =
      MapFile(trace, memfd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
  WritePages(trace, shared);
  Report(trace, "shared", before);
  const Bytes tables = ReadUsage().page_tables;
  const Range sparse = MapAnonymous(trace, kTables * kHugePage);
  ReadPages(trace, sparse, kHugePage);
  Report(trace, "tables", before);
  trace.Set("vmpte", ReadUsage().page_tables - tables);
  trace.Set("node_anon", NodeMeminfo(0, "AnonPages") - Meminfo("AnonPages"));
  trace.Set("node_shmem", NodeMeminfo(0, "Shmem") - Meminfo("Shmem"));
  trace.Set("node_mapped", NodeMeminfo(0, "Mapped") - Meminfo("Mapped"));
  trace.Set("node_tables",
            NodeMeminfo(0, "PageTables") - Meminfo("PageTables"));
  trace.Set("vmstat_anon",
            Vmstat("nr_anon_pages") * kPage - Meminfo("AnonPages"));
  trace.Set("vmstat_shmem", Vmstat("nr_shmem") * kPage - Meminfo("Shmem"));
  trace.Set("vmstat_mapped", Vmstat("nr_mapped") * kPage - Meminfo("Mapped"));

  Unmap(trace, sparse);
  Unmap(trace, shared);
  Report(trace, "unmapped", before);
  close(memfd);
  Unmap(trace, cached);
  Unmap(trace, anon);
  Report(trace, "end", before);
}

Oracle Expect(const Params&, const Facts& f) {
  // mm/vmstat.c: a CPU keeps up to stat_threshold, at most 125, of each zone;
  // AnonPages and others count by node.
  const std::int64_t drift = 125 * f.cpus;
  // Tables of others than the subject are not in its VmPTE; its own upper
  // levels were not all there. Since 6.14 they are freed by RCU.
  const Bytes tables = kTables * kPage;
  const auto step = [](const std::string& name, Bytes anon, Bytes shmem,
                       Bytes mapped) {
    // The judge looks at the subject meanwhile: on a page of its heap or stack
    // that it had not touched yet, now and then.
    constexpr Bytes kJudge = 2 * kPage;
    return AllOf(Size(name + "_AnonPages", Between(anon, anon + kJudge)),
                 Size(name + "_Shmem", Eq(shmem)),
                 Size(name + "_Mapped", Eq(mapped)));
  };
  return AllOf(Survives(), Count("drift_pages", Le(drift)),
               step("anon", kSize, 0_B, 0_B), step("file", kSize, 0_B, kSize),
               step("shared", kSize, kSize, 2 * kSize),
               step("tables", kSize, kSize, 2 * kSize),
               step("unmapped", kSize, kSize, kSize),
               step("end", 0_B, 0_B, 0_B),
               Size("vmpte", Between(tables, tables + 2 * kPage)),
               Difference("tables_PageTables", "shared_PageTables",
                          Between(tables.count, (tables + 2 * kPage).count)),
               Size("node_anon", Eq(0_B)), Size("node_shmem", Eq(0_B)),
               Size("node_mapped", Eq(0_B)), Size("node_tables", Eq(0_B)),
               Size("vmstat_anon", Eq(0_B)), Size("vmstat_shmem", Eq(0_B)),
               Size("vmstat_mapped", Eq(0_B)));
}

const Register kVmstatFold{
    {.id = "counters/vmstat_fold",
     .summary = "AnonPages, Shmem, Mapped, PageTables are exact once folded",
     .explains =
         {.claim = "Seed 0: counters are synced late; rule of vmstat: by at "
                   "most 125 pages a CPU",
          .deed = "makes 4 MiB of each kind and reads meminfo before and after "
                  "stat_refresh, then node 0 and vmstat",
          .functions = "__mod_lruvec_page_state, refresh_vm_stats, "
                       "page_add_new_anon_rmap, page_add_file_rmap",
          .look_at = "the step and the field that differ; drift_pages beyond "
                     "125 a CPU: the threshold"},
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "drift_pages",
                  .better = Better::kLower,
                  .kind = Kind::kBounded,
                  .tolerance = 125,
                  .cause = "per-CPU parts"}}}};

}  // namespace
}  // namespace oomgate
