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

  // Looks after the range, by a pager of its own.
  void Register(__u64 features = 0, __u64 mode = 0) {
    pager.emplace(trace, UFFD_FEATURE_PAGEFAULT_FLAG_WP | features);
    pager->Register(range, UFFDIO_REGISTER_MODE_WP | mode);
  }
  // Pages whose entry in pagemap says that they are protected (bit 57, 5.14).
  std::int64_t Protected() const {
    std::int64_t pages = 0;
    for (char* at = part.start; at < part.end(); at += kPage.count) {
      pages += PagemapEntry(at) >> 57 & 1;
    }
    return pages;
  }
};

bool Tells(const Facts& f) { return f.kernel >= KernelVersion{5, 14}; }
Row<Protection> Protects(const Facts& f, std::int64_t pages) {
  return {"protected", &Protection::Protected, Tells(f) ? pages : 0};
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
  return {
      name,
      Write,
      {Count("told", 1), Count("told_wp", 1), Count("before", -1),
       Count("protected", Tells(f) ? kPages : 0), Count("unprotect_errno", 0),
       Count("seen", 1), Count("protected_after", Tells(f) ? kPages - 1 : 0)}};
}

// What is not there yet is remembered as protected, and can still be filled.
Steps<Protection> OfShared(const Facts& f) {
  return {{"protect shared pages not yet there",
           [](Protection& s) {
             WritePages(s.trace, s.source);
             s.range = s.part =
                 MapFile(s.trace, MakeMemfd(s.trace, kSize), kSize,
                         PROT_READ | PROT_WRITE, MAP_SHARED);
             s.Register(kUffdWpShmem, UFFDIO_REGISTER_MODE_MISSING);
             return s.pager->Protect(s.range, true);
           },
           {{"protected", &Protection::Protected, kPages}}},
          {"fill them",
           [](Protection& s) {
             s.Set("copied", s.pager->Copy(s.range, s.source.start));
           },
           {Size("copied", kSize), {"protected", &Protection::Protected, 0}}},
          {"protect them again",
           [](Protection& s) { return s.pager->Protect(s.range, true); },
           {Protects(f, kPages)}},
          WriteOne("write a shared page", f)};
}

// Protected as a whole, it stays so where it is split.
void AddHuge(Steps<Protection>& steps, const Facts& f, const std::string& page,
             bool write) {
  const auto splits = [] { return Vmstat("thp_split_pmd"); };
  steps.push_back(
      {"protect " + page,
       [=](Protection& s) {
         s.range =
             MapAnonymous(s.trace, kHugePage, {.pages = MapOptions::kHuge});
         s.part = s.range.Part(kHugePage / 2, kSize);
         if (write) WritePages(s.trace, s.range, kHugePage);
         s.Set("other", CountOther(s.range.Part(0_B, kPage), write));
         s.Register();
         return s.pager->Protect(s.range, true);
       },
       {Count("other", 0),
        {"rss", [](Protection& s) { return ReadMapping(s.range).rss; },
         write ? kHugePage : 0_B},
        Change("splits", splits, 0),
        Protects(f, kPages)}});
  steps.push_back({"discard 4 KiB of " + page,
                   [](Protection& s) {
                     return TryAdvise(s.range.Part(0_B, kPage), MADV_DONTNEED);
                   },
                   {Change("splits", splits, 1)}});
  steps.push_back(WriteOne("write into " + page, f));
}

Steps<Protection> Make(const Params& p, const Facts& f) {
  if (p["of"] == "shared") return OfShared(f);
  Steps<Protection> steps = {
      {"protect small pages",
       [](Protection& s) {
         s.range = s.part = MapAnonymous(s.trace, kSize);
         WritePages(s.trace, s.range);
         s.Register();
         return s.pager->Protect(s.range, true);
       },
       {Protects(f, kPages),
        // Reading is no writing.
        {"other", [](Protection& s) { return CountOther(s.range, 1); }, 0}}},
      // It has no pager, and copies of its own.
      {"write them in a child",
       [](Protection& s) {
         int status = -1;
         const pid_t child = StartChild(s.trace, [&] {
           s.Set("protected", s.Protected());
           WritePages(s.trace, s.range);
         });
         if (!EndsWithin(child, kSoon, status)) EndChild(child);
         s.Set("status", status);
       },
       {Count("status", 0), Count("protected", 0)}},
      WriteOne("write a small page", f)};
  AddHuge(steps, f, "a huge page", true);
  AddHuge(steps, f, "the huge zero page", false);
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
     .look_at = "told 0 and before 1: the write went through; protected are "
                "pages by pagemap",
     .needs = {.memory = 512_MiB, .alone = true},
     .adjust = Adjust,
     .params = {{"of", {"anonymous", "shared"}}},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
