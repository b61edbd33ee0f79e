// SPDX-License-Identifier: Apache-2.0
// /proc/self/pagemap tells of each page what it is: there or in swap, of a file
// or nobody's, mapped once or more, written since it was last asked.
#include "oomgate/case.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 12;  // of each kind
constexpr std::int64_t kSome = 5;    // of them
constexpr std::int64_t kRest = kPages - kSome;
constexpr Bytes kSize = kPages * kPage;

// Documentation/admin-guide/mm/pagemap.
enum Bit {
  kPresent = 63,
  kSwapped = 62,
  kFile = 61,
  kExclusive = 56,
  kDirty = 55
};

// How many pages of a range have it.
std::int64_t CountBit(const Range& range, Bit bit) {
  std::uint64_t entries[kPages] = {};
  const auto page = reinterpret_cast<std::uintptr_t>(range.start) / 4096;
  const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  (void)!pread(fd, entries,
               static_cast<std::size_t>(range.size / kPage) * sizeof entries[0],
               static_cast<off_t>(page * sizeof entries[0]));
  close(fd);
  return std::ranges::count_if(
      entries, [bit](std::uint64_t entry) { return (entry >> bit & 1) != 0; });
}

void Touch(const Range& range, std::int64_t pages) {
  for (std::int64_t i = 0; i < pages; ++i) {
    *static_cast<volatile char*>(range.start + (i * kPage).count) = 2;
  }
}

struct Memory : Scene {
  int memfd = MakeMemfd(trace, kSize);
  Range anon = {};
  Range shared = {};
  Range other = {};
  pid_t child = -1;
  Gate ready{trace};
  Gate end{trace};

  int Mapped() const { return ReadMapping(other).mappings; }
  Bytes Huge() const { return ReadMapping(other).anon_huge; }
  void ClearDirty() const { WriteKnob(trace, "/proc/self/clear_refs", "4"); }
};

Row<Memory> Pages(const std::string& name, Range Memory::*range, Bit bit,
                  std::int64_t pages) {
  return {name, [=](Memory& m) { return CountBit(m.*range, bit); }, pages};
}
// All that is told of a range, but for what is dirty.
Row<Memory> Told(const std::string& of, Range Memory::*range,
                 std::int64_t present, std::int64_t swapped, std::int64_t file,
                 std::int64_t exclusive) {
  return Rows<Memory>{Pages(of + "present", range, kPresent, present),
                      Pages(of + "swapped", range, kSwapped, swapped),
                      Pages(of + "of a file", range, kFile, file),
                      Pages(of + "exclusive", range, kExclusive, exclusive)};
}
Row<Memory> Anon(std::int64_t exclusive) {
  return Told("anon ", &Memory::anon, kPages, 0, 0, exclusive);
}
Row<Memory> Shared(std::int64_t exclusive) {
  return Told("shared ", &Memory::shared, kPages, 0, kPages, exclusive);
}
Row<Memory> Other(std::int64_t present, std::int64_t swapped, std::int64_t file,
                  std::int64_t exclusive) {
  return Told("", &Memory::other, present, swapped, file, exclusive);
}
Row<Memory> Dirty(std::int64_t pages) {
  return Pages("dirty", &Memory::other, kDirty, pages);
}
Row<Memory> Dirty(std::int64_t anon, std::int64_t shared, std::int64_t other) {
  return Rows<Memory>{Pages("anon dirty", &Memory::anon, kDirty, anon),
                      Pages("shared dirty", &Memory::shared, kDirty, shared),
                      Dirty(other)};
}

Steps<Memory> Kinds() {
  return {
      {"write anonymous memory",
       [](Memory& m) {
         m.anon = MapAnonymous(m.trace, kSize);
         Touch(m.anon, kPages);
       },
       Anon(kPages)},
      {"write shared memory",
       [](Memory& m) {
         m.shared = MapFile(m.trace, m.memfd, kSize, PROT_READ | PROT_WRITE,
                            MAP_SHARED);
         Touch(m.shared, kPages);
       },
       Shared(kPages)},
      {"map what nobody touches",
       [](Memory& m) { m.other = MapAnonymous(m.trace, kSize); },
       Other(0, 0, 0, 0), Is("mapped", &Memory::Mapped, 1)},
      {"read it", [](Memory& m) { CountOther(m.other, 0); },
       Other(kPages, 0, 0, 0)},
      // Each page of the file is mapped twice while this is there.
      {"read the file through a private mapping",
       [](Memory& m) {
         m.other = MapFile(m.trace, m.memfd, kSize, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE);
         CountOther(m.other, 2);
       },
       Other(kPages, 0, kPages, 0), Shared(0)},
      {"write some of that", [](Memory& m) { Touch(m.other, kSome); },
       Other(kPages, 0, kRest, kSome)},
      {"unmap that", [](Memory& m) { return TryUnmap(m.other); },
       Shared(kPages)},
      {"write some in a child, read the file",
       [](Memory& m) {
         m.child = StartChild(m.trace, [&] {
           CountOther(m.shared, 2);
           Touch(m.anon, kSome);
           m.Set("its present", CountBit(m.anon, kPresent));
           m.Set("its swapped", CountBit(m.anon, kSwapped));
           m.Set("its of a file", CountBit(m.anon, kFile));
           m.Set("its exclusive", CountBit(m.anon, kExclusive));
           m.ready.Open();
           m.end.Pass();
         });
         m.ready.Pass();
       },
       Anon(kSome), Shared(0), Count("its present", kPages),
       Count("its swapped", 0), Count("its of a file", 0),
       Count("its exclusive", kSome)},
      {"end the child",
       [](Memory& m) {
         m.end.Open();
         return Reap(m.child);
       },
       Anon(kPages)},

      {"write a third range",
       [](Memory& m) {
         m.other = MapAnonymous(m.trace, kSize);
         Touch(m.other, kPages);
       },
       Dirty(kPages)},
      {"clear what is dirty", &Memory::ClearDirty, Dirty(0, 0, 0)},
      StepOf<Memory>(
          "read", [](Memory& m) { CountOther(m.anon, 2); },
          Pages("anon dirty", &Memory::anon, kDirty, 0))
          .HoldsWithout("to read must not make dirty; the next step writes"),
      {"write some of each",
       [](Memory& m) {
         Touch(m.anon, kSome);
         Touch(m.shared, kSome + 1);
         Touch(m.other, kSome + 2);
       },
       Dirty(kSome, kSome + 1, kSome + 2)},
      {"page the third out", [](Memory& m) { PageOut(m.trace, m.other); },
       Other(0, kPages, 0, 0), Dirty(kSome + 2)},
      {"read it back", [](Memory& m) { CountOther(m.other, 2); },
       Other(kPages, 0, 0, kPages), Dirty(kSome + 2)},
      {"page it out, clear what is dirty",
       [](Memory& m) {
         PageOut(m.trace, m.other);
         m.ClearDirty();
       },
       Dirty(0)},
  };
}

// What is written of a huge page is all of it, also when it is split then.
Steps<Memory> Huge() {
  const auto dirty = [](std::int64_t pages) {
    return Row<Memory>(
        "dirty",
        [](Memory& m) {
          return CountBit(m.other.Part(kHugePage / 2, kSize), kDirty);
        },
        pages);
  };
  return {{"write a huge page, clear what is dirty",
           [](Memory& m) {
             m.other =
                 MapAnonymous(m.trace, kHugePage, {.pages = MapOptions::kHuge});
             Touch(m.other, 1);
             m.ClearDirty();
           },
           dirty(0), Is("huge", &Memory::Huge, kHugePage)},
          {"write a page of it", [](Memory& m) { Touch(m.other, 1); },
           Is("huge", &Memory::Huge, kHugePage), dirty(kPages)},
          {"give up that page",
           [](Memory& m) {
             return TryAdvise(m.other.Part(0_B, kPage), MADV_DONTNEED);
           },
           Is("huge", &Memory::Huge, 0_B), dirty(kPages)}};
}

Steps<Memory> Make(const Params& p, const Facts&) {
  return p["pages"] == "huge" ? Huge() : Kinds();
}

const Register kPagemapBits{
    {.id = "counters/pagemap_bits",
     .summary = "pagemap tells present, swapped, file, exclusive, soft-dirty",
     .claim = "Seed 0: use exact walks where precision matters; "
              "Documentation/admin-guide/mm/pagemap, .../mm/soft-dirty",
     .functions = "pte_to_pagemap_entry, pagemap_pte_hole, clear_soft_dirty, "
                  "do_swap_page",
     .needs = {.alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["pages"] == "small") {
             instance.needs.swap = 64_MiB;
             return;
           }
           instance.needs.memory = 512_MiB;
           instance.needs.settings = {kThpKnobs.With("enabled", "madvise"),
                                      kThpKnobs.With("defrag", "madvise")};
         },
     .params = {{"pages", {"small", "huge"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
