// SPDX-License-Identifier: Apache-2.0
// The formula for page tables with 4 KiB pages and four levels, and scenes in
// which counting faults and tables is exact.
#pragma once

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
inline bool WarmUp(Trace& trace) {
  const Range page = MapAnonymous(trace, kPage);
  ReadPages(trace, page);
  WritePages(trace, page);
  ReadMapping(page);
  StatusField("RssAnon");
  ReadUsage();
  trace.Set("touches", 0);
  trace.Set("written", 0);
  return true;
}

// Maps with nothing else in its 512 GiB: after a warm-up, every table that
// appears is its own.
inline Range MapApart(Trace& trace, Bytes size, int prot,
                      MapOptions::Pages pages = MapOptions::kSmall) {
  return MapAnonymous(trace, size,
                      {.prot = prot, .align = kUpperSpan, .pages = pages});
}

// Faults and page tables of the calling process.
inline std::int64_t Faults() { return ReadUsage().minor_faults; }
inline Bytes Tables() { return ReadUsage().page_tables; }

// A scene after a warm-up.
struct Warm : Scene {
  bool warm = WarmUp(trace);
};

// Gives whatever is called from now on the pages of its stack.
[[gnu::noinline]] inline void OwnStack() {
  volatile char pages[32 << 10];
  for (volatile char& byte : pages) byte = 0;
}

// A scene in which every fault is one of the case's own, and every table since
// it was made.
struct Counted : Scene {
  bool warm = (MapCode(), OwnStack(), WarmUp(trace));
  Bytes tables_before = pages::Tables();
  Bytes Tables() const { return pages::Tables() - tables_before; }
};

// A reading: a field of smaps, of the range that the scene calls `range`.
inline auto Smaps(const char* field) {
  return [=](const auto& scene) { return MappingField(scene.range, field); };
}

// A field of /proc/meminfo, to the page; and page tables of the whole machine.
inline Bytes MachineHas(const char* field) {
  RefreshVmstat();
  return Meminfo(field);
}
inline Bytes MachineTables() { return MachineHas("PageTables"); }

// How far RssAnon may be off: up to 6.1 each thread holds back what 64 faults
// changed (TASK_RSS_EVENTS_THRESH), up to 6.15 each CPU half a batch.
inline Bytes RssLag(const Facts& f) {
  return std::max(66, 32 * f.cpus) * kPage;
}

// What is charged to the box, and how far that may be off: memcontrol.c, each
// CPU may hold a batch of MEMCG_CHARGE_BATCH pages.
inline Bytes Charged(const Facts& f) {
  const bool v1 = f.cgroup == 1;
  return {Group(f).Number(v1 ? "memory.usage_in_bytes" : "memory.current")};
}
inline Bytes Stock(const Facts& f) { return f.cpus * 64 * kPage; }

// The box was full; v2 tells its peak since 5.19 (8e20d4b33266).
inline Oracle BoxWasFull(const Facts& f) {
  const bool tells = f.cgroup == 1 || f.kernel >= KernelVersion{5, 19};
  return tells ? Size("box_peak", f.box) : Oracle();
}

}  // namespace oomgate::pages
