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

void Advise(Trace& trace, const Range& range, MapOptions::Pages pages) {
  if (pages == MapOptions::kDefault) return;
  const bool huge = pages == MapOptions::kHuge;
  const int advice = huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
  if (madvise(range.start, static_cast<std::size_t>(range.size.count),
              advice) == 0) {
    return;
  }
  // A kernel without THP has small pages only.
  if (huge || errno != EINVAL) trace.Stop("madvise of the page size", errno);
}

}  // namespace

Range MapAnonymous(Trace& trace, Bytes size, const MapOptions& options) {
  const Bytes reserve = size + 2 * options.align;
  void* hole = mmap(nullptr, static_cast<std::size_t>(reserve.count), PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (hole == MAP_FAILED) trace.Stop("mmap of a reservation", errno);
  // At least a page of the reservation stays on either side.
  char* start = AlignUp(static_cast<char*>(hole) + kPage.count, options.align);
  void* at = mmap(start, static_cast<std::size_t>(size.count), options.prot,
                  options.flags | MAP_FIXED, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  const Range range{start, size, static_cast<char*>(hole), reserve};
  Advise(trace, range, options.pages);
  return range;
}

void Unmap(Trace& trace, const Range& range) {
  if (munmap(range.reserved,
             static_cast<std::size_t>(range.reserved_size.count)) != 0) {
    trace.Stop("munmap", errno);
  }
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

int TryMap(Bytes size, int prot, int flags) {
  const auto length = static_cast<std::size_t>(size.count);
  void* at = mmap(nullptr, length, prot, flags, -1, 0);
  if (at == MAP_FAILED) return errno;
  munmap(at, length);
  return 0;
}

Bytes LargestMap(int prot, int flags, Bytes limit) {
  std::int64_t fits = 0;  // pages
  std::int64_t refused = limit / kPage + 1;
  while (refused - fits > 1) {
    const std::int64_t middle = fits + (refused - fits) / 2;
    (TryMap(middle * kPage, prot, flags) == 0 ? fits : refused) = middle;
  }
  return fits * kPage;
}

void WaitForever() {
  for (;;) pause();
}

}  // namespace oomgate
