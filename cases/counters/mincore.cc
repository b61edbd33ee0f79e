// SPDX-License-Identifier: Apache-2.0
// mincore tells which pages are in memory, whoever brought them; of a file that
// the caller may not write it tells nothing: all pages seem to be there.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16 * kPage;
constexpr Bytes kWritten = 5 * kPage;

struct Memory : Scene {
  Range range = MapAnonymous(trace, kSize);
  int memfd = MakeMemfd(trace, kSize);
  Range file = MapFile(trace, memfd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);

  std::int64_t Own() const { return ResidentPages(range); }
  std::int64_t OfFile() const { return ResidentPages(file); }
  void WriteAndRead() const {
    WritePages(trace, range.Part(0_B, kWritten));
    CountOther(range.Part(8 * kPage, 3 * kPage), 0);
  }
  int Drop() const { return TryAdvise(range.Part(0_B, kPage), MADV_DONTNEED); }
  int UnmapOne() const { return TryUnmap(range.Part(10 * kPage, kPage)); }
  int WriteInChild() const {
    return RunChild(trace,
                    [&] { WritePages(trace, file.Part(0_B, kWritten)); });
  }
};

auto OfPart(Bytes from, Bytes size) {
  return [=](Memory& m) { return ResidentPages(m.range.Part(from, size)); };
}
auto LookAsNobody(mode_t mode) {
  return [=](Memory& m) {
    Must(m.trace, "fchmod", fchmod(m.memfd, mode));
    return RunChild(m.trace, [&] {
      Must(m.trace, "setuid of nobody", setuid(65534));
      m.Set("seen", m.OfFile());
      // One's own memory is no file of others.
      m.Set("own", ResidentPages(MapAnonymous(m.trace, kSize)));
    });
  };
}

Steps<Memory> Make(const Params&, const Facts&) {
  return {{"look", [] {}, Is("own", &Memory::Own, 0)},
          {"write 5 pages, read 3", &Memory::WriteAndRead,
           Is("own", &Memory::Own, 5 + 3)},
          // A byte of a page is the page.
          {"give up a page", &Memory::Drop, Is("own", &Memory::Own, 5 + 3 - 1),
           Is("at an odd address", OfPart(1_B, kPage), -EINVAL),
           Is("in two pages and a byte", OfPart(0_B, 2 * kPage + 1_B), 2)},
          {"unmap a page", &Memory::UnmapOne, Is("own", &Memory::Own, -ENOMEM)},
          // What another one brought into a file is there for all who map it.
          {"look at an empty file", [] {}, Is("file", &Memory::OfFile, 0)},
          {"write 5 pages of it in a child", &Memory::WriteInChild,
           Is("file", &Memory::OfFile, 5)},
          {"look as nobody", LookAsNobody(0644), Count("seen", kSize / kPage),
           Count("own", 0)},
          // Open for it or not: who may write to the file is told.
          {"look as nobody who may write to it", LookAsNobody(0666),
           Count("seen", 5), Count("own", 0)}};
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
