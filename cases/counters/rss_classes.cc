// SPDX-License-Identifier: Apache-2.0
// Each resident page is in one class: RssAnon, RssFile or RssShmem. A copy
// moves it from one to the other; a child inherits what fork copies.
#include "cases/counters/file_pages.h"
#include "cases/counters/statm.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 512;
constexpr Bytes kSize = kPages * kPage;
constexpr Bytes kHalf = kSize / 2;
constexpr Bytes kCopied = 100 * kPage;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

struct Classes {
  Bytes anon = StatusField("RssAnon");
  Bytes file = StatusField("RssFile");
  Bytes shmem = StatusField("RssShmem");
};

struct Memory : Scene {
  int file = OpenCleanFile(trace, kSize);
  int memfd = MakeMemfd(trace, kSize);
  RssSync sync{trace};
  Classes base = {};
  Range anon = {};
  Range mapped = {};
  Range shared = {};
  Range own = {};

  // Faults in what all others need.
  void LookOnce() {
    MapCode();
    RunChild(trace, [] {});
    Look();
    base = Read();
  }
  Classes Read() const {
    sync.Now();
    return {};
  }
  // Since the beginning.
  void Look() const {
    const Classes now = Read();
    Set("anon", now.anon - base.anon);
    Set("file", now.file - base.file);
    Set("shmem", now.shmem - base.shmem);
    // All of them are VmRSS, and statm's shared are the last two.
    Statm statm(trace);
    Set("rss off", StatusField("VmRSS") - now.anon - now.file - now.shmem);
    Set("statm off", statm.shared * kPage - now.file - now.shmem);
  }
  void LookInChild() const {
    const RssSync mine(trace);
    Set("mapped", ReadMapping(mapped).rss);
    Set("shared", ReadMapping(shared).rss);
    for (int i = 0; i < 2; ++i) {  // the first faults in what it needs
      mine.Now();
      Set("rss off", MappingField(kAll, "Rss") - StatusField("VmRSS"));
      Set("anon off", MappingField(kAll, "Anonymous") - StatusField("RssAnon"));
    }
  }
};

Row<Memory> Are(Bytes anon, Bytes file, Bytes shmem) {
  return {&Memory::Look,
          AllOf(Size("anon", anon), Size("file", file), Size("shmem", shmem),
                Size("rss off", 0_B), Size("statm off", 0_B))};
}

Steps<Memory> Make(const Params&, const Facts&) {
  constexpr Bytes kLeft = kSize - kCopied;
  return {
      {"look once", &Memory::LookOnce, Are(0_B, 0_B, 0_B)},
      {"write half, read half",
       [](Memory& m) {
         m.anon = MapAnonymous(m.trace, kSize);
         ReadPages(m.trace, m.anon.Part(kHalf, kHalf));  // the zero page
         WritePages(m.trace, m.anon.Part(0_B, kHalf));
       },
       Are(kHalf, 0_B, 0_B)},
      {"read a private file",
       [](Memory& m) {
         m.mapped = MapFile(m.trace, m.file, kSize, kReadWrite, MAP_PRIVATE);
         ReadPages(m.trace, m.mapped);
       },
       Are(kHalf, kSize, 0_B)},
      {"write some of it",
       [](Memory& m) { WritePages(m.trace, m.mapped.Part(0_B, kCopied)); },
       Are(kHalf + kCopied, kLeft, 0_B)},
      {"write a shared memfd",
       [](Memory& m) {
         m.shared = MapFile(m.trace, m.memfd, kSize, kReadWrite, MAP_SHARED);
         WritePages(m.trace, m.shared);
       },
       Are(kHalf + kCopied, kLeft, kSize)},
      {"write some of a private one",
       [](Memory& m) {
         m.own = MapFile(m.trace, m.memfd, kSize, kReadWrite, MAP_PRIVATE);
         WritePages(m.trace, m.own.Part(0_B, kCopied));
       },
       Are(kHalf + 2 * kCopied, kLeft, kSize)},
      // It gets anonymous pages, and the rest of mappings that have some.
      {"look in a child",
       [](Memory& m) { return RunChild(m.trace, [&] { m.LookInChild(); }); },
       Size("mapped", kSize), Size("shared", 0_B), Size("rss off", 0_B),
       Size("anon off", 0_B)},
      {"unmap the memfd",
       [](Memory& m) {
         Unmap(m.trace, m.own);
         Unmap(m.trace, m.shared);
       },
       Are(kHalf + kCopied, kLeft, 0_B)},
      {"drop what is of the file",
       [](Memory& m) { return TryAdvise(m.mapped, MADV_DONTNEED); },
       Are(kHalf, 0_B, 0_B)},
      {"unmap the rest",
       [](Memory& m) {
         Unmap(m.trace, m.mapped);
         Unmap(m.trace, m.anon);
       },
       Are(0_B, 0_B, 0_B)},
  };
}

const Register kRssClasses{
    {.id = "counters/rss_classes",
     .summary = "RssAnon, RssFile and RssShmem: each page in one of them",
     .claim = "Seed 0: what RSS holds; proc(5) RssAnon, RssFile, RssShmem",
     .functions = "mm_counter, do_anonymous_page, wp_page_copy, zap_pte_range, "
                  "copy_present_pte",
     .look_at = "the first step that differs: what was counted in the wrong "
                "class or not taken back; a zero page is in none",
     // It mounts a file system.
     .needs = {.alone = true},
     .probe = WhyInexactRss,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
