// SPDX-License-Identifier: Apache-2.0
// mincore tells which pages are in memory, whoever brought them; of a file that
// the caller may not write it tells nothing: all pages seem to be there.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 16;
constexpr std::int64_t kWritten = 5;
constexpr std::int64_t kRead = 3;
constexpr Bytes kSize = kPages * kPage;
constexpr uid_t kNobody = 65534;

struct Memory : Scene {
  Range range = MapAnonymous(trace, kSize);
  int memfd = MakeMemfd(trace, kSize);
  Range file = MapFile(trace, memfd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);

  std::int64_t Own() const { return ResidentPages(range); }
  std::int64_t AtOddAddress() const {
    return ResidentPages(range.Part(1_B, kPage));
  }
  // A byte of a page is the page.
  std::int64_t InTwoPagesAndAByte() const {
    return ResidentPages(range.Part(0_B, 2 * kPage + 1_B));
  }
  std::int64_t OfFile() const { return ResidentPages(file); }
  int LookAsNobody(mode_t mode) const {
    Must(trace, "fchmod", fchmod(memfd, mode));
    return RunChild(trace, [&] {
      Must(trace, "setresuid", setresuid(kNobody, kNobody, kNobody));
      Set("seen", OfFile());
      // One's own memory is no file of others.
      Set("own", ResidentPages(MapAnonymous(trace, kSize)));
    });
  }
};

Steps<Memory> Make(const Params&, const Facts&) {
  return {
      {"look", [] {}, Is("own", &Memory::Own, 0)},
      {"write 5 pages, read 3",
       [](Memory& m) {
         WritePages(m.trace, m.range.Part(0_B, kWritten * kPage));
         CountOther(m.range.Part(8 * kPage, kRead * kPage), 0);
       },
       Is("own", &Memory::Own, kWritten + kRead)},
      {"give up a page",
       [](Memory& m) {
         return TryAdvise(m.range.Part(0_B, kPage), MADV_DONTNEED);
       },
       Is("own", &Memory::Own, kWritten + kRead - 1),
       Is("at an odd address", &Memory::AtOddAddress, -EINVAL),

       Is("in two pages and a byte", &Memory::InTwoPagesAndAByte, 2)},
      {"unmap a page",
       [](Memory& m) { return TryUnmap(m.range.Part(10 * kPage, kPage)); },
       Is("own", &Memory::Own, -ENOMEM)},

      // What another one brought into a file is there for all who map it.
      {"look at an empty file", [] {}, Is("file", &Memory::OfFile, 0)},
      {"write 5 pages of it in a child",
       [](Memory& m) {
         return RunChild(m.trace, [&] {
           WritePages(m.trace, m.file.Part(0_B, kWritten * kPage));
         });
       },
       Is("file", &Memory::OfFile, kWritten)},
      {"look as nobody", [](Memory& m) { return m.LookAsNobody(0644); },
       Count("seen", kPages), Count("own", 0)},
      // Open for it or not: who may write to the file is told.
      {"look as nobody who may write to it",
       [](Memory& m) { return m.LookAsNobody(0666); }, Count("seen", kWritten),
       Count("own", 0)},
  };
}

const Register kMincore{
    {.id = "counters/mincore",
     .summary = "mincore tells what is in memory, but not of others' files",
     .claim = "Seed 1: memory observation; mincore(2)",
     .functions = "do_mincore, mincore_pte_range, can_do_mincore",
     .look_at = "seen by nobody below all 16: what others have in memory leaks "
                "to who cannot write there (134fca9063ad, 5.2)",
     .suite = Suite::kQuick,
     // Who becomes nobody must have been root.
     .needs = {.alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
