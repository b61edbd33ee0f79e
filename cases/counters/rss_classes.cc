// SPDX-License-Identifier: Apache-2.0
// Each resident page is in one class: RssAnon, RssFile or RssShmem. A copy
// moves it from one to the other; a child inherits what fork copies.
#include <sys/syscall.h>

#include "cases/counters/file_pages.h"
#include "cases/counters/statm.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 512;
constexpr Bytes kSize = kPages * kPage;
constexpr Bytes kCopied = 100 * kPage;

class Classes {
 public:
  Classes(Trace& trace, const RssSync& sync) : trace_(trace), sync_(sync) {
    Look(base_);
    Look(base_);
  }
  // Since the beginning, as "<step>_anon", "<step>_file" and "<step>_shmem".
  void Report(const char* step) const {
    Bytes now[3];
    Look(now);
    constexpr const char* kNames[] = {"anon", "file", "shmem"};
    for (int i = 0; i < 3; ++i) {
      char name[48];
      std::snprintf(name, sizeof name, "%s_%s", step, kNames[i]);
      trace_.Set(name, now[i] - base_[i]);
    }
    // All of them are VmRSS, and statm's shared are the last two.
    Statm statm(trace_);
    char name[48];
    std::snprintf(name, sizeof name, "%s_error", step);
    trace_.Set(name, StatusField("VmRSS") - now[0] - now[1] - now[2] +
                         statm.shared * kPage - now[1] - now[2]);
  }

 private:
  void Look(Bytes (&into)[3]) const {
    sync_.Now();
    into[0] = StatusField("RssAnon");
    into[1] = StatusField("RssFile");
    into[2] = StatusField("RssShmem");
  }
  Trace& trace_;
  const RssSync& sync_;
  Bytes base_[3];
};

void Round(Trace& trace, int file) {
  const int memfd = static_cast<int>(syscall(SYS_memfd_create, "oomgate", 0));
  if (memfd < 0 || ftruncate(memfd, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  const RssSync sync(trace);
  const Classes classes(trace, sync);
  classes.Report("start");

  const Range anon = MapAnonymous(trace, kSize);
  ReadPages(trace, anon.Part(kSize / 2, kSize / 2));  // the zero page
  WritePages(trace, anon.Part(0_B, kSize / 2));
  classes.Report("written");
  const Range mapped =
      MapFile(trace, file, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  ReadPages(trace, mapped);
  classes.Report("read_file");
  WritePages(trace, mapped.Part(0_B, kCopied));
  classes.Report("copied_file");
  const Range shared =
      MapFile(trace, memfd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
  WritePages(trace, shared);
  classes.Report("shared");
  const Range own =
      MapFile(trace, memfd, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  WritePages(trace, own.Part(0_B, kCopied));
  classes.Report("copied_shared");

  // A child gets anonymous pages, and the rest of mappings that have some.
  const pid_t child = StartChild(trace, [&] {
    const RssSync mine(trace);
    const Range all{.size = Bytes{INT64_MAX}};
    trace.Set("child_mapped", ReadMapping(mapped).rss);
    trace.Set("child_shared", ReadMapping(shared).rss);
    for (int i = 0; i < 2; ++i) {  // the first faults in what it needs
      mine.Now();
      trace.Set("child_error", MappingField(all, "Rss") - StatusField("VmRSS"));
      trace.Set("child_anon_error",
                MappingField(all, "Anonymous") - StatusField("RssAnon"));
    }
  });
  Reap(child);

  Unmap(trace, own);
  Unmap(trace, shared);
  classes.Report("unshared");
  madvise(mapped.start, static_cast<std::size_t>(kSize.count), MADV_DONTNEED);
  classes.Report("dropped_file");
  Unmap(trace, mapped);
  Unmap(trace, anon);
  classes.Report("end");
  close(memfd);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();
  const int file = OpenCleanFile(trace, kSize);
  // Twice: a guest's program is in shared memory itself, and the first round
  // faults in what it runs.
  Round(trace, file);
  Round(trace, file);
  close(file);
}

Oracle Expect(const Params&, const Facts&) {
  const auto step = [](const std::string& name, Bytes anon, Bytes file,
                       Bytes shmem) {
    return AllOf(Size(name + "_anon", Eq(anon)), Size(name + "_file", Eq(file)),
                 Size(name + "_shmem", Eq(shmem)),
                 Size(name + "_error", Eq(0_B)));
  };
  const Bytes half = kSize / 2;
  const Bytes left = kSize - kCopied;
  return AllOf(
      Survives(), step("start", 0_B, 0_B, 0_B), step("written", half, 0_B, 0_B),
      step("read_file", half, kSize, 0_B),
      step("copied_file", half + kCopied, left, 0_B),
      step("shared", half + kCopied, left, kSize),
      step("copied_shared", half + 2 * kCopied, left, kSize),
      Size("child_mapped", Eq(kSize)), Size("child_shared", Eq(0_B)),
      Size("child_error", Eq(0_B)), Size("child_anon_error", Eq(0_B)),
      step("unshared", half + kCopied, left, 0_B),
      step("dropped_file", half, 0_B, 0_B), step("end", 0_B, 0_B, 0_B));
}

const Register kRssClasses{
    {.id = "counters/rss_classes",
     .summary = "RssAnon, RssFile and RssShmem: each page in one of them",
     .explains =
         {.claim = "Seed 0: what RSS holds; proc(5) RssAnon, RssFile, RssShmem",
          .deed = "maps, reads, writes, copies and drops pages of each kind, "
                  "and reads the three counters at each step",
          .functions = "mm_counter, do_anonymous_page, wp_page_copy, "
                       "zap_pte_range, copy_present_pte",
          .look_at = "the first step that differs: what was counted in the "
                     "wrong class or not taken back; a zero page is in none"},
     // It mounts a file system.
     .needs = {.alone = true},
     .probe = WhyInexactRss,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
