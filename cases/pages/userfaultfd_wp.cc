// SPDX-License-Identifier: Apache-2.0
// A page that a pager has protected is not written before the pager says so:
// small, huge, the zero page, or one of shared memory that is not there yet.
#include <optional>

#include "cases/pages/toucher.h"
#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 16;
constexpr Bytes kSize = kPages * kPage;

struct Protection : Scene {
  Range source = MapAnonymous(trace, kSize);
  Range range = {};
  Range part = {};  // what is looked at: kPages of the range
  std::optional<Userfaultfd> pager = {};

  // Looks after the range, by a pager of its own, and protects it.
  int Protect(__u64 features = 0, __u64 mode = 0) {
    pager.emplace(trace, UFFD_FEATURE_PAGEFAULT_FLAG_WP | features);
    pager->Register(range, UFFDIO_REGISTER_MODE_WP | mode);
    return ProtectAgain();
  }
  int ProtectAgain() { return pager->Protect(range, true); }
  int ProtectShared() {
    WritePages(trace, source);
    range = part = MapFile(trace, MakeMemfd(trace, kSize), kSize,
                           PROT_READ | PROT_WRITE, MAP_SHARED);
    return Protect(kUffdWpShmem, UFFDIO_REGISTER_MODE_MISSING);
  }
  void FillShared() { Set("copied", pager->Copy(range, source.start)); }
  int ProtectSmall() {
    range = part = MapAnonymous(trace, kSize);
    WritePages(trace, range);
    return Protect();
  }
  // It has no pager, and copies of its own.
  void WriteInChild() {
    int status = -1;
    const pid_t child = StartChild(trace, [this] {
      Set("protected", Protected());
      WritePages(trace, range);
    });
    if (!EndsWithin(child, kSoon, status)) EndChild(child);
    Set("status", status);
  }
  // Its first page is written, or read.
  int ProtectHuge(bool write) {
    range = MapAnonymous(trace, kHugePage, {.pages = MapOptions::kHuge});
    part = range.Part(kHugePage / 2, kSize);
    if (write) WritePages(trace, range, kHugePage);
    Set("other", CountOther(range.Part(0_B, kPage), write));
    return Protect();
  }
  int Discard() { return TryAdvise(range.Part(0_B, kPage), MADV_DONTNEED); }
  // Pages whose entry in pagemap says that they are protected (bit 57, 5.14).
  std::int64_t Protected() const {
    std::int64_t pages = 0;
    for (char* at = part.start; at < part.end(); at += kPage.count) {
      pages += PagemapEntry(at) >> 57 & 1;
    }
    return pages;
  }
  std::int64_t Other() const { return CountOther(range, 1); }
  Bytes Rss() const { return ReadMapping(range).rss; }
};

bool Tells(const Facts& f) { return f.kernel >= KernelVersion{5, 14}; }
Row<Protection> AllProtected(const Facts& f) {
  return Is("protected", &Protection::Protected, Tells(f) ? kPages : 0);
}

// One of the protected pages is written.
void Write(Protection& s) {
  const Range page = s.part.Part(3 * kPage, kPage);
  const Toucher toucher(s.trace, *s.pager, page.start, true);
  const uffd_msg message = NextMessage(*s.pager);
  s.Set("told", IsAt(message, page.start));
  s.Set("told_wp", (message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) != 0);
  s.Set("before", toucher.Seen(kStill));
  s.Set("protected", s.Protected());
  s.Set("unprotect_errno", s.pager->Protect(page, false));
  s.Set("seen", toucher.Seen(kSoon));
  s.Set("protected_after", s.Protected());
}
StepOf<Protection> WriteOne(const std::string& name, const Facts& f) {
  return {name, Write,
          AllOf(Count("told", 1), Count("told_wp", 1), Count("before", -1),
                Count("protected", Tells(f) ? kPages : 0),
                Count("unprotect_errno", 0), Count("seen", 1),
                Count("protected_after", Tells(f) ? kPages - 1 : 0))};
}

// What is not there yet is remembered as protected, and can still be filled.
Steps<Protection> OfShared(const Facts& f) {
  return {{"protect shared pages not yet there", &Protection::ProtectShared,
           Is("protected", &Protection::Protected, kPages)},
          {"fill them", &Protection::FillShared, Size("copied", kSize),
           Is("protected", &Protection::Protected, 0)},
          {"protect them again", &Protection::ProtectAgain, AllProtected(f)},
          WriteOne("write a shared page", f)};
}

Steps<Protection> Make(const Params& p, const Facts& f) {
  if (p["of"] == "shared") return OfShared(f);
  Steps<Protection> steps = {
      // Reading is no writing.
      {"protect small pages", &Protection::ProtectSmall, AllProtected(f),
       Is("other", &Protection::Other, 0)},
      {"write them in a child", &Protection::WriteInChild, Count("status", 0),
       Count("protected", 0)},
      WriteOne("write a small page", f)};
  const auto splits = [] { return Vmstat("thp_split_pmd"); };
  // Protected as a whole, it stays so where it is split.
  for (const bool write : {true, false}) {
    const std::string page = write ? "a huge page" : "the huge zero page";
    steps.push_back({"protect " + page,
                     [=](Protection& s) { return s.ProtectHuge(write); },
                     Count("other", 0),
                     Is("rss", &Protection::Rss, write ? kHugePage : 0_B),
                     Change("splits", splits, 0), AllProtected(f)});
    steps.push_back({"discard 4 KiB of " + page, &Protection::Discard,
                     Change("splits", splits, 1)});
    steps.push_back(WriteOne("write into " + page, f));
  }
  return steps;
}

std::string Probe(const Params& p, const Facts&) {
  const __u64 shared = p["of"] == "shared" ? kUffdWpShmem : 0;
  return WhyNoUserfaultfd(UFFD_FEATURE_PAGEFAULT_FLAG_WP | shared);
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["of"] == "shared") return;
  instance.needs.settings = {kThpKnobs.With("enabled", "madvise"),
                             kThpKnobs.With("defrag", "madvise"),
                             kThpKnobs.With("use_zero_page", "1")};
}

const Register kUserfaultfdWp{
    {.id = "pages/userfaultfd_wp",
     .summary = "a protected page is not written before the pager says so",
     .claim = "Seed 0 and 1: reads leave no page behind, writes do; "
              "admin-guide/mm/userfaultfd, write protect notifications",
     .functions = "userfaultfd_writeprotect, mwriteprotect_range, "
                  "__split_huge_pmd_locked, __split_huge_zero_page_pmd, "
                  "mfill_atomic_install_pte",
     .look_at = "told 0 and before 1: the write went through",
     .needs = {.memory = 512_MiB, .alone = true},
     .adjust = Adjust,
     .params = {{"of", {"anonymous", "shared"}}},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
