// SPDX-License-Identifier: Apache-2.0
// What a fork costs its caller, by what is mapped; and what the ways cost that
// copy nothing.
#include <spawn.h>

#include "cases/cost/rounds.h"

namespace oomgate::cost {
namespace {

constexpr Bytes kSize = 64_MiB;

void Map(Trace& trace, const Params& p) {
  MapOptions options;
  const bool reads = p["of"] == "read";
  if (reads) options.prot = PROT_READ;
  if (p["of"] == "shared") options.flags = MAP_SHARED | MAP_ANONYMOUS;
  const Range range = MapAnonymous(trace, kSize, options);
  reads ? ReadPages(trace, range) : WritePages(trace, range);
}

pid_t Start(const Params& p) {
  if (p["of"] == "vfork") {
    const pid_t child = vfork();
    if (child == 0) _exit(0);
    return child;
  }
  if (p["of"] == "spawn") {
    // It does not exist: a program's start is not what this is about.
    static char name[] = "/oomgate-no-such-program";
    char* const argv[] = {name, nullptr};
    char* const environment[] = {nullptr};
    pid_t child = 0;
    return posix_spawn(&child, name, nullptr, nullptr, argv, environment) ==
                   ENOENT
               ? 0
               : -1;
  }
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return child;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  Map(trace, p);
  pid_t child = 0;
  MeasureCost(
      trace, f, CostOf::kThread, [] {}, [&] { child = Start(p); },
      [&] {
        if (child < 0) trace.Stop("start of a child", errno);
        int status = 0;
        const bool well =
            child == 0 || (waitpid(child, &status, 0) == child && status == 0);
        trace.Add("done", well ? 1 : 0);
      });
}

const Register kFork{Costs(
    {.id = "cost/fork",
     .summary = "what fork, vfork and posix_spawn cost, by what is mapped",
     .claim = "Seed 2: what fork copies: tables of what was written, nothing "
              "of what is shared",
     .deed = "starts a child beside 64 MiB: written, only read, or shared; or "
             "beside written ones by vfork or posix_spawn",
     .functions = "copy_process, dup_mmap, copy_page_range",
     .needs = {.memory = 256_MiB},
     .params = {{"of", {"written", "read", "shared", "vfork", "spawn"}}},
     .subject = Subject,
     .expect = EachRoundDid<1>})};

}  // namespace
}  // namespace oomgate::cost
