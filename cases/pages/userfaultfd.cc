// SPDX-License-Identifier: Apache-2.0
// Pages that a program puts into its own memory by userfaultfd count like those
// of faults: in RSS, page tables, files, and against the limit of the cgroup.
#include "oomgate/userfaultfd.h"

#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr std::int64_t kPages = 1000;
constexpr Bytes kSize = kPages * kPage;
constexpr Bytes kBox = 24_MiB;
constexpr Bytes kChunk = 64 * kPage;

bool IsBeyond(const Params& p) { return p["size"] == "beyond"; }

Range Source(Trace& trace, Bytes size) {
  const Range source = MapAnonymous(trace, size);
  for (Bytes at; at < size; at += kPage) source.start[at.count] = 7;
  return source;
}

struct Filling : Scene {
  bool warm = !IsBeyond(p) && (MapCode(), OwnStack(), WarmUp(trace));
  Range source = Source(trace, IsBeyond(p) ? kChunk : kSize);
  Range range = MapApart(trace, IsBeyond(p) ? 2 * f.box : 2 * kSize,
                         PROT_READ | PROT_WRITE);
  Range zero = range.Part(0_B, kSize);
  Range copied = range.Part(kSize, kSize);
  int memfd = MakeMemfd(trace, kSize);
  Range file = MapFile(trace, memfd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
  bool ready = !IsBeyond(p) && FillOnce();
  Userfaultfd filler{trace};

  // What will be measured, so that it faults in no page then.
  bool FillOnce() const {
    const Range first = MapAnonymous(trace, 2 * kPage);
    Userfaultfd once(trace);
    once.Register(first);
    once.Zero(first.Part(0_B, kPage));
    once.Copy(first.Part(kPage, kPage), source.start);
    return Charged(f) > 0_B;
  }
  std::int64_t Blocks() const {
    struct stat of = {};
    fstat(memfd, &of);
    return of.st_blocks;
  }
};

Bytes InBox(const Filling& s) { return Charged(s.f); }
Bytes FileRss(const Filling& s) { return ReadMapping(s.file).rss; }

void FillBeyond(Filling& s) {
  for (Bytes at; at < s.range.size; at += kChunk) {
    const std::int64_t done =
        s.filler.Copy(s.range.Part(at, kChunk), s.source.start);
    s.trace.Add("written", done);
    if (done != kChunk.count) break;
  }
}

Steps<Filling> Make(const Params& p, const Facts& f) {
  const Bytes stock = Stock(f);
  if (IsBeyond(p)) {
    const Bytes least = f.box - kOwnAnon - 2 * kChunk - stock - 1_MiB;
    return {{"register", [](Filling& s) { s.filler.Register(s.range); }},
            {"fill the box",
             FillBeyond,
             {OomKilled(), Written(Between(least, f.box))}}};
  }
  // Its page tables are charged as well.
  const auto charged = Change(
      "charged", InBox, Between(kSize - stock, kSize + 8 * kPage + stock));
  const Bytes tables = TablesFor(0_B, kPages, kPage);
  return {
      {"register",
       [](Filling& s) {
         s.filler.Register(s.range);
         s.filler.Register(s.file);
       },
       {Change("faults", Faults, 0)}},
      {"fill with zeroes",
       [](Filling& s) { s.Set("done", s.filler.Zero(s.zero)); },
       {Size("done", kSize),
        Change("faults", Faults, 0),
        Change("tables", Tables, tables),
        {"rss", [](Filling& s) { return ReadMapping(s.zero).rss; }, 0_B}}},
      {"fill with bytes",
       [](Filling& s) {
         s.Set("done", s.filler.Copy(s.copied, s.source.start));
       },
       {Size("done", kSize), charged, Change("faults", Faults, 0),
        Change("tables", Tables, TablesFor(0_B, 2 * kPages, kPage) - tables)}},
      {"fill a page again",
       [](Filling& s) {
         const Range page = s.copied.Part(0_B, kPage);
         s.Set("copy", s.filler.Copy(page, s.source.start));
         s.Set("zero", s.filler.Zero(page));
       },
       {Count("copy", -EEXIST), Count("zero", -EEXIST),
        Change("faults", Faults, 0), Change("tables", Tables, 0_B)}},
      {"fill a memfd",
       [](Filling& s) { s.Set("done", s.filler.Copy(s.file, s.source.start)); },
       {Size("done", kSize),
        charged,
        Change("faults", Faults, 0),
        {"rss", FileRss, kSize},
        {"blocks", &Filling::Blocks, kSize / 512_B}}},
      {"read all of it",
       [](Filling& s) {
         s.filler.Close();
         CountOther(s.source, 7);
         const std::int64_t faults = Faults();
         s.Set("wrong", CountOther(s.zero, 0) + CountOther(s.copied, 7) +
                            CountOther(s.file, 7));
         s.Set("faults", Faults() - faults);
       },
       {Count("wrong", 0), Count("faults", 0), {"rss", Smaps("Rss"), kSize}}}};
}

const Register kUserfaultfd{
    {.id = "pages/userfaultfd",
     .summary = "pages put in place by userfaultfd count as if faulted in",
     .claim = "Seed 1: what counts as RSS, page tables, charge; "
              "ioctl_userfaultfd(2): UFFDIO_COPY, UFFDIO_ZEROPAGE",
     .functions = "mfill_atomic, mfill_atomic_pte_copy, "
                  "mfill_atomic_pte_zeropage, shmem_mfill_atomic_pte",
     .look_at = "done is bytes or a negative errno; faults that were none",
     .blast = Blast::kCgroup,
     .needs = {.memory = kBox, .cgroup = 2},
     .params = {{"size", {"counted", "beyond"}}},
     .probe = WhyNoUserfaultfd,
     .steps = Make}};

}  // namespace
}  // namespace oomgate::pages
