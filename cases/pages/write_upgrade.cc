// SPDX-License-Identifier: Apache-2.0
// The first write to a page that was only read costs one fault and one page of
// its own, filled with zeroes; the zero page itself is never written.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr Bytes kSize = 16_MiB;

struct Upgrade : Counted {
  Range range = MapApart(trace, kSize, PROT_READ);
  int source = MakeMemfd(trace);
  long filled = Must(trace, "write", write(source, "\1", 1));
  int memory = Must(trace, "open", open("/proc/self/mem", O_RDWR | O_CLOEXEC));
  Bytes anon_before = StatusField("RssAnon");

  Bytes RssAnon() const { return StatusField("RssAnon") - anon_before; }
  // Words of a range that are not zero, but for the first of each page.
  static std::int64_t Wrong(const Range& range, std::uint64_t first_of_page) {
    std::int64_t wrong = 0;
    for (Bytes at; at < range.size; at += Bytes{sizeof(std::uint64_t)}) {
      std::uint64_t word = 0;
      std::memcpy(&word, range.start + at.count, sizeof word);
      const bool first = at.count % kPage.count == 0;
      if (word != (first ? first_of_page : 0)) ++wrong;
    }
    return wrong;
  }
  std::int64_t WrongWords() const { return Wrong(range, 1); }
  // What others read, the zero page, is still zero.
  std::int64_t ZeroPage() const { return Wrong(MapAnonymous(trace, kPage), 0); }
};

// Writes 1 into the first byte of every page.
void Write(Upgrade& s) {
  if (s.p["by"] == "store") return WritePages(s.trace, s.range);
  const bool read = s.p["by"] == "read";
  for (char* at = s.range.start; at < s.range.end(); at += kPage.count) {
    const ssize_t n =
        read ? pread(s.source, at, 1, 0)
             : pwrite(s.memory, "\1", 1, reinterpret_cast<off_t>(at));
    if (n != 1) s.trace.Stop("writing through the kernel", errno);
  }
}

Steps<Upgrade> Make(const Params&, const Facts& f) {
  const Bytes lag = RssLag(f);
  return {
      {"read every page", [](Upgrade& s) { ReadPages(s.trace, s.range); }},
      {"allow writing",
       [](Upgrade& s) { return TryProtect(s.range, PROT_READ | PROT_WRITE); }},
      {"write to every page", Write, Change("faults", Faults, kSize / kPage),
       Change("tables", Tables, 0_B),
       Is("rss_anon", &Upgrade::RssAnon, Between(kSize - lag, kSize + lag)),
       Is("rss", Smaps("Rss"), kSize),
       Is("private_dirty", Smaps("Private_Dirty"), kSize),
       Is("anonymous", Smaps("Anonymous"), kSize),
       Is("wrong_words", &Upgrade::WrongWords, 0),
       Is("zero_page_words", &Upgrade::ZeroPage, 0)},
      {"unmap", [](Upgrade& s) { Unmap(s.trace, s.range); },
       Is("rss_anon", &Upgrade::RssAnon, Between(0_B - lag, lag))}};
}

const Register kWriteUpgrade{
    {.id = "pages/write_upgrade",
     .summary = "a write to a zero page: one fault, one page, all zeroes",
     .claim = "Seed 0: \"all reads share the zero page until somebody writes\" "
              "(zero_page.write_upgrade)",
     .functions = "do_wp_page, wp_page_copy, __access_remote_vm",
     .look_at = "zero_page_words: the zero page of everybody was written; "
                "rss_anon against rss: counters",
     .suite = Suite::kQuick,
     .params = {{"by", {"store", "read", "proc_mem"}}},
     .steps = Make,
     .metrics = {Metric::Count("minor_faults", "write to every page.faults"),
                 Metric::Size("rss", "write to every page.rss")}}};

}  // namespace
}  // namespace oomgate::pages
