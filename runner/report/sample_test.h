// SPDX-License-Identifier: Apache-2.0
// Runs that tests of reports render: one with every verdict, one whose every
// text is hostile, and those in which nothing ran.
#pragma once

#include <string>
#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

inline Result SampleResult(Verdict verdict) {
  Result result;
  result.id = "pages/" + std::string(ToText(verdict));
  result.params = Params(Params::Map{{"stride", "2m"}});
  result.verdict = verdict;
  if (verdict != Verdict::kPass) result.reason = "wanted one\ngot two";
  result.end = "oom-killed";
  result.place = "vm";
  result.shape = "vm-256m-1cpu";
  result.kernel = "6.1.0-cloud";
  result.seconds = 1.25;
  if (verdict == Verdict::kSkip) return result;
  result.metrics = {{"faults", 51200}, {"cost", 0.5}};
  result.oom.emplace();
  result.oom->victim = "subject";
  return result;
}

inline Run SampleRun(const std::vector<Verdict>& verdicts) {
  Run run;
  run.oomgate = "0.1.0";
  run.started = "2026-01-31T12:00:00Z";
  run.finished = "2026-01-31T12:00:09Z";
  run.command = "oomgate run";
  Start& start = run.starts.emplace_back();
  start.place = "vm";
  start.shape = "vm-256m-1cpu";
  start.kernel = "6.1.0-cloud";
  start.accelerator = "tcg";
  for (const Verdict verdict : verdicts) {
    run.results.push_back(SampleResult(verdict));
    run.metrics[run.results.back().id] = {Metric{"faults", Better::kLower},
                                          Metric{"cost", Better::kHigher, "s"}};
  }
  return run;
}

inline Run EveryVerdict() {
  return SampleRun({Verdict::kPass, Verdict::kKnown, Verdict::kSkip,
                    Verdict::kFail, Verdict::kBroken, Verdict::kLost});
}

// A failure with all that a judge can find.
inline Result SampleFindings(Verdict verdict = Verdict::kFail) {
  Result result = SampleResult(verdict);
  result.oom.reset();
  result.reason = "lock twice: grown is 8 MiB, expected 4 MiB (and 1 more)";
  result.checks = {{"lock twice", "grown", "8 MiB", "4 MiB"},
                   {"", "end", "exited 0", "OOM-killed"}};
  result.also = {{kLeftBehind, "Shmem +4096 kB"},
                 {kKernelWarning, "WARNING: CPU: 0 PID: 7 at mm/mlock.c:1"}};
  result.left_out = {{"lock on fault", "needs kernel 4.4, has 4.3"}};
  return result;
}

// What would do something in one format or another.
inline std::string Hostile() {
  using namespace std::string_literals;
  return "x\n::error title=owned::pwned\n \xc2\xa0::set-output "
         "name=verdict::pass"
         "\n##[error]owned\nverdict=pass\n%0A::warning::owned\n</"
         "script><script>"
         "alert(1)</script><img src=x onerror=alert(1)> ]]> &amp; | a \\| b | `"
         " ``` ~~~ [l](javascript:alert(1)) **b** @everyone #1 www.evil.example"
         "\n| --- |\n```\n</details>\nTAP version 13\nKTAP version 1\n1..0\n"
         "# Subtest: x\nok 1 owned # SKIP x\nnot ok 9 owned\n"
         "reboot: System halted\nKernel panic - not syncing: VFS: x\n"
         "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=owned RESULT=pass>\n# EOF\n"
         "oomgate_run{verdict=\"pass\"} 1\n\x1b[31mred\x1b[0m\r\b\x7f\xc2\x9b"
         "\xff\xfe\xed\xa0\x80\xef\xbf\xbf\xe2\x80\xae\xe2\x80\xa8 \"'\\\0\t"s;
}

inline Run HostileRun() {
  Run run = EveryVerdict();
  const std::string hostile = Hostile();
  run.oomgate = run.command = hostile;
  run.metrics = {};
  for (Start& start : run.starts) {
    start.place = start.shape = start.kernel = start.version =
        start.accelerator = start.cpu = start.command_line = start.taint =
            hostile;
    start.settings = {{hostile, hostile}};
  }
  for (Result& result : run.results) {
    result.id += hostile;
    result.params = Params(Params::Map{{hostile, hostile}});
    result.reason = result.end = result.place = result.shape = result.kernel =
        result.console = hostile;
    result.metrics = {{hostile, 1}};
    result.checks = {{hostile, hostile, hostile, hostile}};
    result.also = {{hostile, hostile}, {kLeftBehind, hostile}};
    result.left_out = {{hostile, hostile}};
    result.oom.emplace();
    result.oom->victim = result.oom->constraint = result.oom->nodemask =
        hostile;
    run.metrics[result.id] = {Metric{hostile, Better::kLower, hostile}};
  }
  return run;
}

}  // namespace oomgate
