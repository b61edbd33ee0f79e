// SPDX-License-Identifier: Apache-2.0
// A page that a pager has protected is not written before the pager says so:
// small, huge, the zero page, or one of shared memory that is not there yet.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cases/pages/toucher.h"
#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 16;
constexpr Bytes kSize = kPages * kPage;

// Pages whose entry in pagemap says that they are protected (bit 57, 5.14).
std::int64_t Protected(const Range& range) {
  std::int64_t pages = 0;
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    pages += PagemapEntry(at) >> 57 & 1;
  }
  return pages;
}

void Set(Trace& trace, const char* kind, const char* what, std::int64_t value) {
  char name[48];
  std::snprintf(name, sizeof name, "%s.%s", kind, what);
  trace.Set(name, value);
}

// Of a range that is registered and protected, page `at` is written.
void Write(Trace& trace, const char* kind, Userfaultfd& pager,
           const Range& range, std::int64_t at) {
  const Range page = range.Part(at * kPage, kPage);
  Toucher toucher(trace, page.start, true);
  toucher.Start();
  uffd_msg message = {};
  Set(trace, kind, "told", Told(pager, message) && IsAt(message, page.start));
  Set(trace, kind, "told_wp",
      (message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) != 0);
  Set(trace, kind, "before", toucher.Seen(kStill));
  Set(trace, kind, "protected", Protected(range));
  Set(trace, kind, "unprotect_errno", pager.Protect(page, false));
  Set(trace, kind, "seen", toucher.Seen(kSoon));
  Set(trace, kind, "protected_after", Protected(range));
  // Whatever went wrong: without a pager nobody waits.
  pager.Close();
  toucher.Join();
}

void Small(Trace& trace) {
  const Range range = MapAnonymous(trace, kSize);
  WritePages(trace, range);
  Userfaultfd pager(trace, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
  pager.Register(range, UFFDIO_REGISTER_MODE_WP);
  Set(trace, "small", "errno", pager.Protect(range, true));
  // Reading is no writing; a child has no pager, and copies of its own.
  Set(trace, "small", "other", CountOther(range, 1));
  int status = -1;
  const pid_t child = StartChild(trace, [&] {
    Set(trace, "small", "child_protected", Protected(range));
    WritePages(trace, range);
  });
  Set(trace, "small", "child", EndsWithin(child, kSoon, status) ? status : -1);
  if (status == -1) EndChild(child);
  Write(trace, "small", pager, range, 3);
  Unmap(trace, range);
}

// Protected as a whole, it stays so where it is split.
void Huge(Trace& trace, const char* kind, bool write) {
  MapOptions options;
  options.pages = MapOptions::kHuge;
  const Range range = MapAnonymous(trace, kHugePage, options);
  if (write) {
    WritePages(trace, range, kHugePage);
  } else {
    CountOther(range.Part(0_B, kPage), 0);
  }
  Set(trace, kind, "rss", ReadMapping(range).rss.count);
  const std::int64_t splits = Vmstat("thp_split_pmd");
  Userfaultfd pager(trace, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
  pager.Register(range, UFFDIO_REGISTER_MODE_WP);
  Set(trace, kind, "errno", pager.Protect(range, true));
  Set(trace, kind, "splits_before", Vmstat("thp_split_pmd") - splits);
  TryAdvise(range.Part(0_B, kPage), MADV_DONTNEED);
  Set(trace, kind, "splits", Vmstat("thp_split_pmd") - splits);
  Write(trace, kind, pager, range.Part(kHugePage / 2, kSize), 3);
  Unmap(trace, range);
}

// What is not there yet is remembered as protected, and can still be filled.
void Shared(Trace& trace) {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  if (file < 0 || ftruncate(file, kSize.count) != 0) trace.Stop("memfd", errno);
  const Range source = MapAnonymous(trace, kSize);
  WritePages(trace, source);
  const Range range =
      MapFile(trace, file, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
  Userfaultfd pager(trace, UFFD_FEATURE_PAGEFAULT_FLAG_WP | kUffdWpShmem);
  pager.Register(range, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
  Set(trace, "shared", "errno", pager.Protect(range, true));
  Set(trace, "shared", "absent", Protected(range));
  Set(trace, "shared", "copied", pager.Copy(range, source.start));
  Set(trace, "shared", "copied_protected", Protected(range));
  Set(trace, "shared", "again_errno", pager.Protect(range, true));
  Write(trace, "shared", pager, range, 3);
  Unmap(trace, range);
  Unmap(trace, source);
  close(file);
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  if (p["of"] == "shared") return Shared(trace);
  Small(trace);
  Huge(trace, "huge", true);
  Huge(trace, "zero", false);
}

Oracle Expect(const Params& p, const Facts& f) {
  // fb8e37f35a2f (5.14): told by pagemap.
  const bool tells = f.kernel >= KernelVersion{5, 14};
  const auto is = [](const std::string& name, std::int64_t value) {
    return Count(name, Eq(value));
  };
  const auto written = [&](const std::string& kind) {
    return AllOf(is(kind + ".errno", 0), is(kind + ".told", 1),
                 is(kind + ".told_wp", 1), is(kind + ".before", -1),
                 is(kind + ".protected", tells ? kPages : 0),
                 is(kind + ".unprotect_errno", 0), is(kind + ".seen", 1),
                 is(kind + ".protected_after", tells ? kPages - 1 : 0));
  };
  if (p["of"] == "shared") {
    return AllOf(Survives(), written("shared"), is("shared.absent", kPages),
                 is("shared.copied", kSize.count), is("shared.again_errno", 0),
                 is("shared.copied_protected", 0));
  }
  const auto split = [&](const std::string& kind, Bytes rss) {
    return AllOf(written(kind), Size(kind + ".rss", Eq(rss)),
                 is(kind + ".splits_before", 0), is(kind + ".splits", 1));
  };
  return AllOf(Survives(), written("small"), is("small.other", 0),
               is("small.child", 0), is("small.child_protected", 0),
               split("huge", kHugePage), split("zero", 0_B));
}

std::string Probe(const Params& p, const Facts&) {
  const __u64 shared = p["of"] == "shared" ? kUffdWpShmem : 0;
  return WhyNoUserfaultfd(UFFD_FEATURE_PAGEFAULT_FLAG_WP | shared);
}

const Register kUserfaultfdWp{
    {.id = "pages/userfaultfd_wp",
     .summary = "a protected page is not written before the pager says so",
     .explains =
         {.claim = "Seed 0 and 1: reads leave no page behind, writes do; "
                   "admin-guide/mm/userfaultfd, write protect notifications",
          .deed = "protects small and huge pages, the huge zero page and "
                  "shared memory that is not there; splits, forks, fills, "
                  "writes",
          .functions = "userfaultfd_writeprotect, mwriteprotect_range, "
                       "__split_huge_pmd_locked, __split_huge_zero_page_pmd, "
                       "mfill_atomic_install_pte",
          .look_at = "<kind>.told 0 and .before 1: the write went through; "
                     ".protected are pages by pagemap"},
     .needs = {.memory = 512_MiB, .alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["of"] == "shared") return;
           const std::string thp = "/sys/kernel/mm/transparent_hugepage/";
           instance.needs.settings = {{thp + "enabled", "madvise"},
                                      {thp + "defrag", "madvise"},
                                      {thp + "use_zero_page", "1"}};
         },
     .params = {{"of", {"anonymous", "shared"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
