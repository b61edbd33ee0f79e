// SPDX-License-Identifier: Apache-2.0
// The first write to a page that was only read costs one fault and one page of
// its own, filled with zeroes; the zero page itself is never written.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;

// Writes 1 into the first byte of every page of the range.
void Write(Trace& trace, const Range& range, std::string_view by) {
  if (by == "store") return WritePages(trace, range);
  const int source = static_cast<int>(syscall(SYS_memfd_create, "source", 0));
  const int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (source < 0 || memory < 0 || write(source, "\1", 1) != 1) {
    trace.Stop("preparing the writer", errno);
  }
  const Usage before = ReadUsage();
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    const ssize_t n =
        by == "read" ? pread(source, at, 1, 0)
                     : pwrite(memory, "\1", 1, reinterpret_cast<off_t>(at));
    if (n != 1) trace.Stop("writing through the kernel", errno);
  }
  // Without what preparing cost.
  trace.Set("minor_faults", ReadUsage().minor_faults - before.minor_faults);
}

std::int64_t NonZeroWords(const Range& range, std::uint64_t first_of_page) {
  std::int64_t wrong = 0;
  for (char* at = range.start; at < range.end(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    const bool first = (at - range.start) % kPage.count == 0;
    if (word != (first ? first_of_page : 0)) ++wrong;
  }
  return wrong;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();  // none of its own faults are counted
  const std::string_view by = p["by"];
  const Range range = pages::MapApart(trace, kSize, PROT_READ);
  ReadPages(trace, range);
  if (mprotect(range.start, static_cast<std::size_t>(kSize.count),
               PROT_READ | PROT_WRITE) != 0) {
    trace.Stop("mprotect", errno);
  }
  const Bytes rss_anon = StatusField("RssAnon");
  const Usage before = ReadUsage();
  Write(trace, range, by);
  const Usage after = ReadUsage();
  if (by == "store") {
    trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  }
  trace.Set("page_tables", after.page_tables - before.page_tables);
  trace.Set("rss_anon", StatusField("RssAnon") - rss_anon);
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("rss", mapped.rss);
  trace.Set("private_dirty", mapped.private_dirty);
  trace.Set("anonymous", MappingField(range, "Anonymous"));
  trace.Set("wrong_words", NonZeroWords(range, 1));
  // What others read is still zero.
  const Range other = MapAnonymous(trace, kPage);
  trace.Set("zero_page_words", NonZeroWords(other, 0));
  Unmap(trace, range);
  trace.Set("rss_anon_left", StatusField("RssAnon") - rss_anon);
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes lag = pages::RssLag(f);
  return AllOf(Survives(), Count("minor_faults", Eq(kSize / kPage)),
               Size("page_tables", Eq(0_B)), Size("rss", Eq(kSize)),
               Size("private_dirty", Eq(kSize)), Size("anonymous", Eq(kSize)),
               Size("rss_anon", Between(kSize - lag, kSize + lag)),
               Size("rss_anon_left", Between(0_B - lag, lag)),
               Count("wrong_words", Eq(0)), Count("zero_page_words", Eq(0)));
}

const Register kWriteUpgrade{
    {.id = "pages/write_upgrade",
     .summary = "a write to a zero page: one fault, one page, all zeroes",
     .explains = {.claim = "Seed 0: \"all reads share the zero page until "
                           "somebody writes\" (zero_page.write_upgrade)",
                  .deed = "reads 16 MiB, then writes a byte to every page: by "
                          "itself, by read(2), by /proc/self/mem",
                  .functions = "do_wp_page, wp_page_copy, __access_remote_vm",
                  .look_at = "zero_page_words: the zero page of everybody was "
                             "written; rss_anon against rss: counters"},
     .suite = Suite::kQuick,
     .params = {{"by", {"store", "read", "proc_mem"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "minor_faults", .better = Better::kLower},
                 {.name = "rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
