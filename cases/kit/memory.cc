// SPDX-License-Identifier: Apache-2.0
// Mapping and touching memory.
#include "oomgate/memory.h"

#include <unistd.h>

#include <cerrno>

namespace oomgate {
namespace {

char* AlignUp(char* at, Bytes align) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  const auto mask = static_cast<std::uintptr_t>(align.count) - 1;
  return reinterpret_cast<char*>((address + mask) & ~mask);
}

void AskFor(Trace& trace, const Range& range, MapOptions::Pages pages) {
  if (pages == MapOptions::kDefault) return;
  const bool huge = pages == MapOptions::kHuge;
  const int error = TryAdvise(range, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  // A kernel without THP has small pages only.
  if (error != 0 && (huge || error != EINVAL)) {
    trace.Stop("madvise of the page size", error);
  }
}

}  // namespace

Range MapAnonymous(Trace& trace, Bytes size, const MapOptions& options) {
  const Bytes reserve = size + 2 * options.align;
  void* hole = mmap(nullptr, Length(reserve), PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (hole == MAP_FAILED) trace.Stop("mmap of a reservation", errno);
  // At least a page of the reservation stays on either side.
  char* start = AlignUp(static_cast<char*>(hole) + kPage.count, options.align);
  void* at =
      mmap(start, Length(size), options.prot, options.flags | MAP_FIXED, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  const Range range{start, size, static_cast<char*>(hole), reserve};
  AskFor(trace, range, options.pages);
  return range;
}

Range MapFile(Trace& trace, int fd, Bytes size, int prot, int flags,
              Bytes offset) {
  // In a reservation of its own: aligned, and with nothing beside it.
  MapOptions none;
  none.prot = PROT_NONE;
  none.pages = MapOptions::kDefault;
  const Range range = MapAnonymous(trace, size, none);
  MapOver(trace, range, prot, flags, fd, offset);
  return range;
}

Range MapBare(Trace& trace, Bytes size, int prot, int flags, int fd,
              Bytes offset) {
  void* const at =
      Must(trace, "mmap",
           mmap(nullptr, Length(size), prot, flags, fd, offset.count));
  return {.start = static_cast<char*>(at), .size = size};
}

int TryMapOver(const Range& part, int prot, int flags, int fd, Bytes offset) {
  return ErrnoOf(mmap(part.start, Length(part.size), prot, flags | MAP_FIXED,
                      fd, offset.count));
}

void MapOver(Trace& trace, const Range& part, int prot, int flags, int fd,
             Bytes offset) {
  const int error = TryMapOver(part, prot, flags, fd, offset);
  if (error != 0) trace.Stop("mmap over a range", error);
}

int MakeMemfd(Trace& trace, Bytes size, unsigned flags) {
  const int file = Must(trace, "memfd_create", memfd_create("oomgate", flags));
  Must(trace, "ftruncate of a memfd", ftruncate(file, size.count));
  return file;
}

void ReadPages(Trace& trace, const Range& range, Bytes stride) {
  std::atomic<std::int64_t>& touches = trace.Counter("touches");
  for (char* at = range.start; at < range.end(); at += stride.count) {
    (void)*static_cast<volatile char*>(at);
    touches.store(touches.load(std::memory_order_relaxed) + 1,
                  std::memory_order_relaxed);
  }
}

void WritePages(Trace& trace, const Range& range, Bytes stride) {
  std::atomic<std::int64_t>& touches = trace.Counter("touches");
  std::atomic<std::int64_t>& written = trace.Counter("written");
  for (char* at = range.start; at < range.end(); at += stride.count) {
    *static_cast<volatile char*>(at) = 1;
    touches.store(touches.load(std::memory_order_relaxed) + 1,
                  std::memory_order_relaxed);
    written.store(written.load(std::memory_order_relaxed) + kPage.count,
                  std::memory_order_relaxed);
  }
}

int TryMap(Bytes size, int prot, int flags, int fd) {
  void* const at = mmap(nullptr, Length(size), prot, flags, fd, 0);
  if (at == MAP_FAILED) return errno;
  munmap(at, Length(size));
  return 0;
}

std::int64_t CountOther(const Range& range, char expected, Bytes stride) {
  std::int64_t other = 0;
  for (const char* at = range.start; at < range.end(); at += stride.count) {
    other += *static_cast<const volatile char*>(at) == expected ? 0 : 1;
  }
  return other;
}

Bytes LargestMap(int prot, int flags, Bytes limit) {
  const auto fits = [&](std::int64_t pages) {
    return TryMap(pages * kPage, prot, flags) == 0;
  };
  return Largest(limit / kPage, fits) * kPage;
}

void WaitForever() {
  for (;;) pause();
}

}  // namespace oomgate
