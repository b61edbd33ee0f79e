// SPDX-License-Identifier: Apache-2.0
// What a page fault costs, by kind: first reads and writes, copies after a
// fork, huge ones, and those that need a page table each.
#include "cases/cost/rounds.h"

namespace oomgate::cost {
namespace {

constexpr std::int64_t kSmall = 4096;  // faults a round
constexpr std::int64_t kHuge = 16;

bool IsHuge(const Params& p) { return p["kind"].starts_with("huge"); }
bool IsCopy(const Params& p) { return p["kind"].ends_with("copy"); }
bool Writes(const Params& p) {
  return p["kind"].ends_with("write") || p["kind"] == "upgrade" || IsCopy(p);
}
std::int64_t FaultsOf(const Params& p) { return IsHuge(p) ? kHuge : kSmall; }
Bytes Stride(const Params& p) {
  return IsHuge(p) || p["kind"] == "table" ? kHugePage : kPage;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  MapOptions options;
  options.prot = Writes(p) ? PROT_READ | PROT_WRITE : PROT_READ;
  options.pages = IsHuge(p) ? MapOptions::kHuge : MapOptions::kSmall;
  options.align = 1_GiB;
  Range range;
  pid_t child = 0;
  std::int64_t faults = 0;
  MeasureCost(
      trace, f, CostOf::kThread,
      [&] {
        range = MapAnonymous(trace, FaultsOf(p) * Stride(p), options);
        if (p["kind"] == "upgrade") ReadPages(trace, range);
        if (IsCopy(p)) {
          WritePages(trace, range, Stride(p));
          child = StartChild(trace, [] { WaitForever(); });
        }
        faults = ReadUsage().minor_faults;
      },
      [&] {
        Writes(p) ? WritePages(trace, range, Stride(p))
                  : ReadPages(trace, range, Stride(p));
      },
      [&] {
        trace.Add("done", ReadUsage().minor_faults - faults);
        if (IsCopy(p)) EndChild(child);
        Unmap(trace, range);
      });
}

// A huge page is not copied, since 5.8 (3917c84212fa): it is split, and the
// small page that was written is copied.
Oracle Expect(const Params& p, const Facts& f) {
  // Others are of the stack, which is copied, too, after a fork.
  return EachRoundDid(f, FaultsOf(p), IsCopy(p) ? 16 : 1);
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (IsHuge(p)) instance.needs = HugeGuest();
}

const Register kFault{
    Costs({.id = "cost/fault",
           .summary = "what a page fault costs, by kind",
           .claim = "Seed 0: every page read is a fault, and what it costs "
                    "(perf.fault_latency)",
           .deed = "takes 4096 faults of one kind, or 16 huge ones, in each of "
                   "many rounds",
           .functions = "handle_mm_fault, do_anonymous_page, do_wp_page, "
                        "do_huge_pmd_anonymous_page",
           .adjust = Adjust,
           .params = {{"kind",
                       {"read", "write", "upgrade", "copy", "table",
                        "huge_read", "huge_write", "huge_copy"}}},
           .subject = Subject,
           .expect = Expect})};

}  // namespace
}  // namespace oomgate::cost
