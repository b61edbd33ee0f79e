// SPDX-License-Identifier: Apache-2.0
// /proc/self/pagemap tells of each page what it is: there or in swap, of a file
// or nobody's, mapped once or more, written since it was last asked.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 12;  // of each kind
constexpr std::int64_t kSome = 5;    // of them
constexpr Bytes kSize = kPages * kPage;

// How many pages of a range have a bit. Documentation/admin-guide/mm/pagemap.
struct Bits {
  int present = 0, swapped = 0, file = 0, exclusive = 0, dirty = 0;
};

Bits Look(const Range& range) {
  std::uint64_t entries[kPages] = {};
  const auto first = reinterpret_cast<std::uintptr_t>(range.start) / 4096;
  const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  (void)!pread(fd, entries,
               static_cast<std::size_t>(range.size / kPage) * sizeof entries[0],
               static_cast<off_t>(first * sizeof entries[0]));
  close(fd);
  Bits bits;
  for (const std::uint64_t entry : entries) {
    const auto bit = [entry](int at) {
      return static_cast<int>(entry >> at & 1);
    };
    bits.present += bit(63);
    bits.swapped += bit(62);
    bits.file += bit(61);
    bits.exclusive += bit(56);
    bits.dirty += bit(55);
  }
  return bits;
}

// "<kind>.<what>": present, swapped, file and exclusive as digits of base 100.
std::int64_t Digits(int present, int swapped, int file, int exclusive) {
  return ((present * 100 + swapped) * 100 + file) * 100 + exclusive;
}

void Leave(Trace& trace, const char* name, const Range& range) {
  const Bits bits = Look(range);
  trace.Set(name,
            Digits(bits.present, bits.swapped, bits.file, bits.exclusive));
}

void ClearDirty(Trace& trace) {
  const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "4", 1) != 1) trace.Stop("clear_refs", errno);
  close(fd);
}

void Touch(const Range& range, std::int64_t pages) {
  for (std::int64_t i = 0; i < pages; ++i) {
    *static_cast<volatile char*>(range.start + (i * kPage).count) = 2;
  }
}

void Kinds(Trace& trace, const Range& anon, const Range& shared, int fd) {
  Leave(trace, "untouched", MapAnonymous(trace, kSize));
  const Range zero = MapAnonymous(trace, kSize);
  CountOther(zero, 0);
  Leave(trace, "zero", zero);
  Leave(trace, "anon", anon);
  Leave(trace, "shared", shared);
  // Each page of the file is mapped twice while this is there.
  const Range copied =
      MapFile(trace, fd, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  CountOther(copied, 2);
  Leave(trace, "private", copied);
  Leave(trace, "shared_twice", shared);
  Touch(copied, kSome);
  Leave(trace, "copied", copied);
  Unmap(trace, copied);
  Leave(trace, "shared_again", shared);

  Gate ready(trace);
  Gate end(trace);
  const pid_t child = StartChild(trace, [&] {
    CountOther(shared, 2);
    Touch(anon, kSome);
    Leave(trace, "child_anon", anon);
    ready.Open();
    end.Pass();
  });
  ready.Pass();
  Leave(trace, "with_child_anon", anon);
  Leave(trace, "with_child_shared", shared);
  end.Open();
  Reap(child);
  Leave(trace, "after_child_anon", anon);
}

void Dirty(Trace& trace, const Range& anon, const Range& shared) {
  const Range swapped = MapAnonymous(trace, kSize);
  Touch(swapped, kPages);
  trace.Set("dirty.new", Look(swapped).dirty);
  ClearDirty(trace);
  trace.Set("dirty.cleared",
            Look(anon).dirty + Look(shared).dirty + Look(swapped).dirty);
  CountOther(anon, 2);
  trace.Set("dirty.read", Look(anon).dirty);
  Touch(anon, kSome);
  Touch(shared, kSome + 1);
  Touch(swapped, kSome + 2);
  trace.Set("dirty.anon", Look(anon).dirty);
  trace.Set("dirty.shared", Look(shared).dirty);
  PageOut(trace, swapped);
  Leave(trace, "swapped", swapped);
  trace.Set("dirty.swapped", Look(swapped).dirty);
  CountOther(swapped, 2);
  Leave(trace, "swapped_back", swapped);
  trace.Set("dirty.back", Look(swapped).dirty);
  PageOut(trace, swapped);
  ClearDirty(trace);
  trace.Set("dirty.swapped_cleared", Look(swapped).dirty);
  Unmap(trace, swapped);
}

// What is written of a huge page is all of it, also when it is split then.
void Huge(Trace& trace) {
  MapOptions options;
  options.pages = MapOptions::kHuge;
  const Range range = MapAnonymous(trace, kHugePage, options);
  const Range middle = range.Part(kHugePage / 2, kSize);
  Touch(range, 1);
  ClearDirty(trace);
  trace.Set("huge.cleared", Look(middle).dirty);
  Touch(range, 1);
  trace.Set("huge.size", ReadMapping(range).anon_huge);
  trace.Set("huge.dirty", Look(middle).dirty);
  TryAdvise(range.Part(0_B, kPage), MADV_DONTNEED);
  trace.Set("huge.split_size", ReadMapping(range).anon_huge);
  trace.Set("huge.split_dirty", Look(middle).dirty);
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  if (p["pages"] == "huge") return Huge(trace);
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "bits", 0U));
  if (fd < 0 || ftruncate(fd, kSize.count) != 0) trace.Stop("memfd", errno);
  const Range anon = MapAnonymous(trace, kSize);
  const Range shared =
      MapFile(trace, fd, kSize, PROT_READ | PROT_WRITE, MAP_SHARED);
  Touch(anon, kPages);
  Touch(shared, kPages);
  Kinds(trace, anon, shared, fd);
  Dirty(trace, anon, shared);
  Unmap(trace, shared);
  close(fd);
}

Oracle Expect(const Params& p, const Facts&) {
  const auto bits = [](const char* kind, int present, int swapped, int file,
                       int exclusive) {
    return Count(kind, Eq(Digits(present, swapped, file, exclusive)));
  };
  const auto dirty = [](const char* name, std::int64_t pages) {
    return Count(name, Eq(pages));
  };
  constexpr int kAll = kPages;
  if (p["pages"] == "huge") {
    return AllOf(Survives(), dirty("huge.cleared", 0),
                 dirty("huge.dirty", kAll), dirty("huge.split_dirty", kAll),
                 Size("huge.size", Eq(kHugePage)),
                 Size("huge.split_size", Eq(0_B)));
  }
  constexpr int kRest = kPages - kSome;
  return AllOf(
      Survives(),
      AllOf(bits("untouched", 0, 0, 0, 0), bits("zero", kAll, 0, 0, 0),
            bits("anon", kAll, 0, 0, kAll), bits("shared", kAll, 0, kAll, kAll),
            bits("private", kAll, 0, kAll, 0),
            bits("shared_twice", kAll, 0, kAll, 0),
            bits("copied", kAll, 0, kRest, kSome),
            bits("shared_again", kAll, 0, kAll, kAll)),
      AllOf(bits("child_anon", kAll, 0, 0, kSome),
            bits("with_child_anon", kAll, 0, 0, kSome),
            bits("with_child_shared", kAll, 0, kAll, 0),
            bits("after_child_anon", kAll, 0, 0, kAll),
            bits("swapped", 0, kAll, 0, 0),
            bits("swapped_back", kAll, 0, 0, kAll)),
      AllOf(dirty("dirty.new", kAll), dirty("dirty.cleared", 0),
            dirty("dirty.read", 0), dirty("dirty.anon", kSome),
            dirty("dirty.shared", kSome + 1), dirty("dirty.swapped", kSome + 2),
            dirty("dirty.back", kSome + 2), dirty("dirty.swapped_cleared", 0)));
}

const Register kPagemapBits{
    {.id = "counters/pagemap_bits",
     .summary = "pagemap tells present, swapped, file, exclusive, soft-dirty",
     .explains =
         {.claim = "Seed 0: use exact walks where precision matters; "
                   "Documentation/admin-guide/mm/pagemap, .../mm/soft-dirty",
          .deed = "maps twelve pages of each kind, twice and in a child, pages "
                  "some out, writes some after clear_refs",
          .functions = "pte_to_pagemap_entry, pagemap_pte_hole, "
                       "clear_soft_dirty, do_swap_page",
          .look_at = "a kind is four numbers of two digits: present, swapped, "
                     "file, exclusive; dirty.… are pages"},
     .needs = {.alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["pages"] == "small") {
             instance.needs.swap = 64_MiB;
             return;
           }
           const std::string thp = "/sys/kernel/mm/transparent_hugepage/";
           instance.needs.memory = 512_MiB;
           instance.needs.settings = {{thp + "enabled", "madvise"},
                                      {thp + "defrag", "madvise"}};
         },
     .params = {{"pages", {"small", "huge"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
