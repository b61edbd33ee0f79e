// SPDX-License-Identifier: Apache-2.0
// The formula for page tables with 4 KiB pages and four levels, and the warm-up
// that makes counting faults exact.
#pragma once

#include <algorithm>

#include "oomgate/case.h"

namespace oomgate::pages {

// A table holds 512 entries: what one of each level spans.
inline constexpr Bytes kLeafSpan = 2_MiB;
inline constexpr Bytes kMiddleSpan = 1_GiB;
inline constexpr Bytes kUpperSpan = 512_GiB;

// The top level has 256 entries for users and is not counted in VmPTE.
// Tables that touches at offset, offset + stride, … need: one for every slot
// that at least one of them falls into. The offset counts from a multiple of
// 512 GiB, the address space around must be unused.
inline Bytes TablesFor(Bytes offset, std::int64_t touches, Bytes stride) {
  std::int64_t tables = 0;
  const Bytes last = offset + (touches - 1) * stride;
  for (const Bytes span : {kLeafSpan, kMiddleSpan, kUpperSpan}) {
    tables += std::min(touches, last / span - offset / span + 1);
  }
  return tables * kPage;
}

// Runs once what will be measured, so that it needs no page of its own then.
// What it maps stays: freed later, its tables would count.
inline void WarmUp(Trace& trace) {
  const Range page = MapAnonymous(trace, kPage);
  ReadPages(trace, page);
  WritePages(trace, page);
  ReadMapping(page);
  StatusField("RssAnon");
  ReadUsage();
  trace.Set("touches", 0);
  trace.Set("written", 0);
}

// Maps with nothing else in its 512 GiB, after a warm-up: every fault and every
// table that appears from now on is its own.
inline Range MapApart(Trace& trace, Bytes size, int prot) {
  WarmUp(trace);
  MapOptions options;
  options.prot = prot;
  options.align = kUpperSpan;
  return MapAnonymous(trace, size, options);
}

// Page tables of the whole machine, to the page.
inline Bytes MachineTables() {
  RefreshVmstat();
  return Meminfo("PageTables");
}

// How far RssAnon may be off: up to 6.1 each thread holds back what 64 faults
// changed (TASK_RSS_EVENTS_THRESH), up to 6.15 each CPU half a batch.
inline Bytes RssLag(const Facts& f) {
  return std::max(66, 32 * f.cpus) * kPage;
}

}  // namespace oomgate::pages
