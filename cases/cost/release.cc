// SPDX-License-Identifier: Apache-2.0
// What it costs to give memory up: by advice, by unmapping, by exit; with pages
// in it, or page tables alone.
#include "cases/cost/rounds.h"

namespace oomgate::cost {
namespace {

constexpr Bytes kSize = 32_MiB;
constexpr std::int64_t kTables = 2048;
constexpr int kCollapse = 25;  // MADV_COLLAPSE, since 6.1
constexpr int kTries = 5;

Range Filled(Trace& trace, bool tables,
             MapOptions::Pages pages = MapOptions::kSmall) {
  const Range range =
      MapAnonymous(trace, tables ? kTables * kHugePage : kSize,
                   {.prot = tables ? PROT_READ : PROT_READ | PROT_WRITE,
                    .align = 1_GiB,
                    .pages = pages});
  tables ? ReadPages(trace, range, kHugePage) : WritePages(trace, range);
  return range;
}

int AdviceOf(const Params& p) {
  if (p["by"] == "dontneed") return MADV_DONTNEED;
  if (p["by"] == "free") return MADV_FREE;
  return kCollapse;
}

void ByAdvice(Trace& trace, const Params& p, const Facts& f) {
  Range range;
  int error = 0;
  const bool collapses = p["by"] == "collapse";
  MeasureCost(
      trace, f, CostOf::kThread,
      [&] {
        range = Filled(trace, false,
                       collapses ? MapOptions::kDefault : MapOptions::kSmall);
      },
      [&] {
        // A page that somebody isolates just now cannot be collapsed: EAGAIN.
        for (int i = 0; i < kTries; ++i) {
          error = TryAdvise(range, AdviceOf(p));
          if (error != EAGAIN) break;
        }
      },
      [&] {
        trace.Add("done", error == 0 ? 1 : 0);
        Unmap(trace, range);
      });
}

void ByUnmapping(Trace& trace, const Params& p, const Facts& f) {
  Range range;
  MeasureCost(
      trace, f, CostOf::kThread,
      [&] { range = Filled(trace, p["by"] == "unmap_tables"); },
      [&] { Unmap(trace, range); }, [&] { trace.Add("done", 1); });
}

// From the moment at which a child may end to the one at which it is reaped.
void ByExit(Trace& trace, const Facts& f) {
  Gate filled(trace);
  Gate end(trace);
  pid_t child = 0;
  int status = -1;
  MeasureCost(
      trace, f, CostOf::kElapsed,
      [&] {
        child = StartChild(trace, [&] {
          Filled(trace, false);
          filled.Open();
          end.Pass();
        });
        filled.Pass();
      },
      [&] {
        end.Open();
        status = Reap(child);
      },
      [&] { trace.Add("done", status == 0 ? 1 : 0); });
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["by"] == "exit") {
    ByExit(trace, f);
  } else if (p["by"].starts_with("unmap")) {
    ByUnmapping(trace, p, f);
  } else {
    ByAdvice(trace, p, f);
  }
}

std::string Probe(const Params& p, const Facts&) {
  if (p["by"] != "collapse") return "";
  // It wants nothing of an empty range, but must know the advice.
  const bool unknown = TryAdvise({}, kCollapse) == EINVAL;
  return unknown ? "this kernel has no MADV_COLLAPSE" : "";
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.memory = 256_MiB;
  if (p["by"] != "collapse") return;
  instance.needs.memory = 512_MiB;
  // Small pages to begin with.
  instance.needs.settings = {kThpKnobs.With("enabled", "madvise")};
}

const Register kRelease{
    Costs({.id = "cost/release",
           .summary = "what madvise, munmap and exit cost that give memory up",
           .claim = "Seed 1: madvise gives memory back; seed 0: tables are "
                    "freed with what they map",
           .deed = "writes 32 MiB, or makes 2048 page tables, and gives them "
                   "up, in many rounds",
           .functions = "zap_page_range, free_pgtables, exit_mmap, "
                        "madvise_free_pte_range, hpage_collapse_scan_pmd",
           .adjust = Adjust,
           .params = {{"by",
                       {"dontneed", "free", "collapse", "unmap", "unmap_tables",
                        "exit"}}},
           .probe = Probe,
           .subject = Subject,
           .expect = EachRoundDid<1>})};

}  // namespace
}  // namespace oomgate::cost
