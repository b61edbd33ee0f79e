// SPDX-License-Identifier: Apache-2.0
// KSM: equal pages that are marked mergeable become one frame, a write takes
// one page out again, MADV_UNMERGEABLE all; zero-filled ones may be the zero
// page.
#include <poll.h>

#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr const char* kKsm = "/sys/kernel/mm/ksm/";
constexpr const char* kProcess = "/proc/self/ksm_merging_pages";
constexpr std::int64_t kPages = 256;  // of a range
constexpr Bytes kSize = kPages * kPage;
constexpr std::int64_t kMostSharing = 64;  // the least but a few
constexpr int kPatience = 600;             // looks
constexpr int kLook = 10;                  // milliseconds

void SetKsm(Trace& trace, const char* file, const char* value) {
  char path[64];
  std::snprintf(path, sizeof path, "%s%s", kKsm, file);
  WriteKnob(trace, path, value);
}

std::int64_t Ksm(const char* file) {
  char path[64];
  std::snprintf(path, sizeof path, "%s%s", kKsm, file);
  return NumberIn(path);
}

void WaitForScans(int scans) {
  const std::int64_t until = Ksm("full_scans") + scans;
  for (int i = 0; i < kPatience && Ksm("full_scans") < until; ++i) {
    poll(nullptr, 0, kLook);
  }
}

// Waits until so many pages are saved, and a little for more than that.
void WaitForSharing(std::int64_t sharing) {
  for (int i = 0; i < kPatience && Ksm("pages_sharing") < sharing; ++i) {
    poll(nullptr, 0, kLook);
  }
  WaitForScans(2);
}

// Every page unlike the others of its range; `salt` 0 is the same for all.
void Fill(const Range& range, std::uint64_t salt, bool equal = false) {
  for (std::int64_t i = 0; i < range.size / kPage; ++i) {
    auto* const words = reinterpret_cast<volatile std::uint64_t*>(
        range.start + i * kPage.count);
    words[1] = salt;
    words[100] = equal ? 1 : static_cast<std::uint64_t>(i) + 1;
  }
}

std::int64_t SameFrames(const Range& a, const Range& b) {
  std::int64_t same = 0;
  for (std::int64_t i = 0; i < kPages; ++i) {
    const std::uint64_t frame = Frame(a.start + i * kPage.count);
    same += frame != 0 && frame == Frame(b.start + i * kPage.count) ? 1 : 0;
  }
  return same;
}

std::int64_t WrongWords(const Range& range) {
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < kPages; ++i) {
    const auto* const words = reinterpret_cast<volatile std::uint64_t*>(
        range.start + i * kPage.count);
    wrong += words[100] == static_cast<std::uint64_t>(i) + 1 ? 0 : 1;
  }
  return wrong;
}

// Two equal ranges, and a third that is unlike them.
void Merge(Trace& trace) {
  const Range a = MapAnonymous(trace, kSize);
  const Range b = MapAnonymous(trace, kSize);
  const Range unlike = MapAnonymous(trace, kSize);
  const Range unasked = MapAnonymous(trace, kSize);
  Fill(a, 1);
  Fill(b, 1);
  Fill(unlike, 2);
  Fill(unasked, 1);
  for (const Range& range : {a, b, unlike}) {
    trace.Add("mergeable_errno", TryAdvise(range, MADV_MERGEABLE));
  }
  trace.Set("flag", MappingHasFlag(a, "mg") ? 1 : 0);
  WaitForSharing(kPages);
  trace.Set("shared", Ksm("pages_shared"));
  trace.Set("sharing", Ksm("pages_sharing"));
  // While ksmd looks at a page it is none of them.
  for (int i = 0; i < kPatience && Ksm("pages_unshared") != kPages; ++i) {
    poll(nullptr, 0, kLook);
  }
  trace.Set("unshared", Ksm("pages_unshared"));
  trace.Set("process", NumberIn(kProcess));
  trace.Set("same_frames", SameFrames(a, b));
  trace.Set("same_unasked", SameFrames(a, unasked));
  trace.Set("merged_rss", ReadMapping(a).rss + ReadMapping(b).rss);

  // A write takes out exactly one page.
  const std::int64_t faults = ReadUsage().minor_faults;
  b.start[7 * kPage.count] = 1;
  trace.Set("write_faults", ReadUsage().minor_faults - faults);
  WaitForScans(2);  // ksmd notices that it was written
  trace.Set("write_sharing", Ksm("pages_sharing"));
  trace.Set("write_same_frames", SameFrames(a, b));
  trace.Set("write_other", a.start[7 * kPage.count]);

  trace.Set("unmerge_errno", TryAdvise(b, MADV_UNMERGEABLE));
  trace.Set("unmerge_flag", MappingHasFlag(b, "mg") ? 1 : 0);
  trace.Set("unmerge_same_at_once", SameFrames(a, b));
  WaitForScans(2);
  trace.Set("unmerge_sharing", Ksm("pages_sharing"));
  trace.Set("unmerge_process", NumberIn(kProcess));
  trace.Set("unmerge_same_frames", SameFrames(a, b));
  trace.Set("unmerge_rss", ReadMapping(b).rss);
  trace.Set("wrong_words", WrongWords(a) + WrongWords(b) + WrongWords(unlike));
  for (const Range& range : {a, b, unlike, unasked}) Unmap(trace, range);
}

// Many equal pages: one frame serves max_page_sharing of them.
void Many(Trace& trace) {
  const Range range = MapAnonymous(trace, kSize);
  Fill(range, 3, true);
  TryAdvise(range, MADV_MERGEABLE);
  WaitForSharing(kPages - kPages / kMostSharing);
  trace.Set("many_shared", Ksm("pages_shared"));
  trace.Set("many_sharing", Ksm("pages_sharing"));
  trace.Set("many_rss", ReadMapping(range).rss);
  // Everything apart again, by order.
  SetKsm(trace, "run", "2");
  trace.Set("stopped_shared", Ksm("pages_shared"));
  trace.Set("stopped_sharing", Ksm("pages_sharing"));
  trace.Set("stopped_process", NumberIn(kProcess));
  trace.Set("stopped_rss", ReadMapping(range).rss);
  Unmap(trace, range);
}

// Pages of zeroes: the zero page, where it may be used.
void Zeroes(Trace& trace) {
  SetKsm(trace, "use_zero_pages", "1");
  SetKsm(trace, "run", "1");
  const Range range = MapAnonymous(trace, kSize);
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    *static_cast<volatile char*>(at) = 0;
  }
  TryAdvise(range, MADV_MERGEABLE);
  for (int i = 0; i < kPatience && ReadMapping(range).rss > 0_B; ++i) {
    poll(nullptr, 0, kLook);
  }
  trace.Set("zero_rss", ReadMapping(range).rss);
  trace.Set("zero_sharing", Ksm("pages_sharing"));
  trace.Set("zero_pages", Ksm("ksm_zero_pages"));
  trace.Set("zero_other", CountOther(range, 0));
  WritePages(trace, range.Part(0_B, 3 * kPage));
  trace.Set("zero_written_rss", ReadMapping(range).rss);
  trace.Set("zero_written_pages", Ksm("ksm_zero_pages"));
  Unmap(trace, range);
  trace.Set("zero_left", Ksm("ksm_zero_pages"));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  trace.Set("default_run", Ksm("run"));
  SetKsm(trace, "max_page_sharing", "64");
  SetKsm(trace, "use_zero_pages", "0");
  SetKsm(trace, "pages_to_scan", "5000");
  SetKsm(trace, "sleep_millisecs", "10");
  SetKsm(trace, "run", "1");
  Merge(trace);
  Many(trace);
  Zeroes(trace);
  SetKsm(trace, "run", "2");
}

Oracle Expect(const Params&, const Facts& f) {
  // e2942062e01d (6.6): KSM's zero pages are counted.
  const bool counts = f.kernel >= KernelVersion{6, 6};
  // 7609385337a4 (5.19): each process's pages are, too.
  const bool tells = f.kernel >= KernelVersion{5, 19};
  const auto process = [&](const char* name, std::int64_t pages) {
    return Count(name, Eq(tells ? pages : -1));
  };
  const Oracle merged = AllOf(
      AllOf(Count("default_run", Eq(0)), Count("mergeable_errno", Eq(0)),
            Count("flag", Eq(1)), Count("shared", Eq(kPages)),
            Count("sharing", Eq(kPages)), Count("unshared", Eq(kPages))),
      process("process", 2 * kPages), process("unmerge_process", kPages),
      process("stopped_process", 0),
      AllOf(Count("same_frames", Eq(kPages)), Count("same_unasked", Eq(0)),
            // Merged pages count for everyone who maps them.
            Size("merged_rss", Eq(2 * kSize))));
  const Oracle written = AllOf(Count("write_faults", Between(1, 3)),
                               Count("write_sharing", Eq(kPages - 1)),
                               Count("write_same_frames", Eq(kPages - 1)),
                               Count("write_other", Eq(0)));
  const Oracle unmerged = AllOf(
      Count("unmerge_errno", Eq(0)), Count("unmerge_flag", Eq(0)),
      Count("unmerge_sharing", Eq(0)), Count("unmerge_same_frames", Eq(0)),
      Count("unmerge_same_at_once", Eq(0)), Size("unmerge_rss", Eq(kSize)),
      Count("wrong_words", Eq(0)));
  const std::int64_t frames = kPages / kMostSharing;
  const Oracle many =
      AllOf(Count("many_shared", Eq(frames)),
            Count("many_sharing", Eq(kPages - frames)),
            Size("many_rss", Eq(kSize)), Count("stopped_shared", Eq(0)),
            Count("stopped_sharing", Eq(0)), Size("stopped_rss", Eq(kSize)));
  const Oracle zero =
      AllOf(Size("zero_rss", Eq(0_B)), Count("zero_sharing", Eq(0)),
            Count("zero_pages", Eq(counts ? kPages : -1)),
            Count("zero_other", Eq(0)), Size("zero_written_rss", Eq(3 * kPage)),
            Count("zero_written_pages", Eq(counts ? kPages - 3 : -1)),
            Count("zero_left", Eq(counts ? 0 : -1)));
  return AllOf(Survives(), merged, written, unmerged, many, zero);
}

const Register kMergeable{
    {.id = "madvise/mergeable",
     .summary = "KSM merges equal pages, and a write takes out exactly one",
     .explains =
         {.claim = "Seed 1: the list of madvise, MADV_MERGEABLE; "
                   "admin-guide/mm/ksm",
          .deed = "marks equal and unlike ranges, waits for ksmd, writes one "
                  "page, unmerges; many equal pages, and zero-filled ones",
          .functions = "cmp_and_merge_page, try_to_merge_with_ksm_page, "
                       "break_ksm, unmerge_ksm_pages",
          .look_at = "same_frames: pages that are one frame; sharing: what KSM "
                     "says it saved"},
     .blast = Blast::kMachine,
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "sharing", .better = Better::kHigher}},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
