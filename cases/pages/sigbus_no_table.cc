// SPDX-License-Identifier: Apache-2.0
// A touch beyond the end of a file is SIGBUS, and takes nothing: the table that
// the fault had at hand for its page is given back.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr std::int64_t kTouches = 64;  // each in 2 MiB without a table
constexpr Bytes kSize = (kTouches + 1) * kLeafSpan;

struct File : Scene {
  // One page, so that the mapping begins within the file.
  Range range =
      MapFile(trace, MakeMemfd(trace, kPage), kSize, PROT_READ | PROT_WRITE,
              p["touch"] == "copy" ? MAP_PRIVATE : MAP_SHARED);
  bool warm = WarmUp(trace);
  bool writes = p["touch"] != "read";

  // Wait status of a child that touches one byte.
  int Touch(Bytes offset) const {
    return RunChild(trace, [&] {
      const Range byte = range.Part(offset, 1_B);
      writes ? WritePages(trace, byte) : ReadPages(trace, byte);
    });
  }
};

void TouchBeyond(File& s) {
  std::int64_t signals = 0;
  for (std::int64_t i = 1; i <= kTouches; ++i) {
    if (s.Touch(i * kLeafSpan) == SIGBUS) ++signals;
  }
  s.Set("signals", signals);
}

Steps<File> Make(const Params&, const Facts&) {
  return {{"touch its only page",
           [](File& s) { s.Set("status", s.Touch(0_B)); },
           {Count("status", 0)}},
          {"touch beyond its end",
           TouchBeyond,
           {Count("signals", kTouches),
            Change(
                "tables", [] { return OnceStill(MachineTables); }, 0_B),
            Change(
                "anon", [] { return Meminfo("AnonPages"); }, 0_B),
            Change(
                "shmem", [] { return Meminfo("Shmem"); }, 0_B)}}};
}

const Register kSigbusNoTable{
    {.id = "pages/sigbus_no_table",
     .summary = "a SIGBUS beyond the end of a file leaves no table behind",
     .claim = "Seed 0: a table is allocated with the page that it maps; "
              "mmap(2): beyond the end of the file is SIGBUS",
     .functions =
         "do_fault, do_fault_around, do_cow_fault, do_shared_fault, __do_fault",
     .look_at = "tables: what faults took in advance and never gave back",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"touch", {"read", "write", "copy"}}},
     .steps = Make,
     .metrics = {Metric::Size("tables", "touch beyond its end.tables")}}};

}  // namespace
}  // namespace oomgate::pages
