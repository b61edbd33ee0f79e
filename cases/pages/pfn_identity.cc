// SPDX-License-Identifier: Apache-2.0
// There is one zero page: every page that was only read, in every process, has
// the same frame, and the kernel flags it as the zero page.
#include <linux/capability.h>

#include "cases/pages/tables.h"
#include "oomgate/frame.h"

namespace oomgate::pages {
namespace {

constexpr Bytes kSize = 16_MiB;

struct Frames : Warm {
  Range range = {};
  std::uint64_t zero_page = 0;  // its entry in pagemap

  void Map() { range = MapApart(trace, kSize, PROT_READ | PROT_WRITE); }
  void WriteFirst() { WritePages(trace, range.Part(0_B, kPage)); }
  std::uint64_t First() const { return PagemapEntry(range.start); }
  bool Present() const { return First() >> 63 != 0; }
  std::int64_t Resident() const { return ResidentPages(range); }
  bool Differs(const char* at) const { return Frame(at) != FrameOf(zero_page); }
  bool FirstDiffers() const { return Differs(range.start); }
  bool NeighbourDiffers() const {
    return PagemapEntry(range.start + kPage.count) != zero_page;
  }
  static std::uint64_t FrameOf(std::uint64_t entry) {
    return entry & ((1ULL << 55) - 1);
  }
  // A bit of what the kernel says of the first page's frame
  // (Documentation/admin-guide/mm/pagemap.rst).
  bool Flag(int bit) const {
    std::uint64_t flags = 0;
    const int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
    (void)!pread(fd, &flags, sizeof flags,
                 static_cast<off_t>(FrameOf(First()) * sizeof flags));
    close(fd);
    return (flags >> bit & 1) != 0;
  }
};

Row<Frames> Flags(bool anon, bool zero_page) {
  return Rows<Frames>{
      {"anon flag", [](Frames& s) { return s.Flag(12); }, anon},
      {"zero page flag", [](Frames& s) { return s.Flag(24); }, zero_page}};
}

void Read(Frames& s) {
  ReadPages(s.trace, s.range);
  s.zero_page = s.First();
  std::int64_t others = 0;
  for (char* at = s.range.start; at < s.range.end(); at += kPage.count) {
    if (PagemapEntry(at) != s.zero_page) ++others;
  }
  s.Set("others", others);
}

void ReadInChild(Frames& s) {
  RunChild(s.trace, [&] {
    const Range own = MapAnonymous(s.trace, kPage);
    ReadPages(s.trace, own);
    s.Set("differs", s.Differs(own.start));
  });
}

Steps<Frames> Make(const Params&, const Facts&) {
  return {{"map", &Frames::Map, Is("present", &Frames::Present, 0),
           Is("resident", &Frames::Resident, 0)},
          {"read every page", Read, Is("present", &Frames::Present, 1),
           Count("others", 0), Is("resident", &Frames::Resident, kSize / kPage),
           Flags(false, true)},
          {"read a page in another process", ReadInChild, Count("differs", 0)},
          // It is another frame then, of this page only.
          {"write the first page", &Frames::WriteFirst,
           Is("present", &Frames::Present, 1),
           Is("differs", &Frames::FirstDiffers, 1), Flags(true, false),
           Is("neighbour differs", &Frames::NeighbourDiffers, 0)}};
}

std::string Probe(const Params&, const Facts&) {
  // The effective capabilities of root are its bounding set.
  const bool may =
      geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1;
  return may ? "" : "pagemap tells frames only with CAP_SYS_ADMIN";
}

const Register kPfnIdentity{
    {.id = "pages/pfn_identity",
     .summary = "all pages that were only read are one frame: the zero page",
     .claim = "Seed 0: reads map \"the zero page\" (zero_page.pfn_identity)",
     .functions = "my_zero_pfn, is_zero_pfn, stable_page_flags",
     .suite = Suite::kQuick,
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate::pages
