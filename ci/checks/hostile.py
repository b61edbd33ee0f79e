# SPDX-License-Identifier: Apache-2.0
"""hostile.py RUN.JSON N: the same run with every free text hostile, and its
results N times over, on stdout."""
import json
import sys

TEXT = (
    "x\n::error title=owned::owned\n \u00a0::set-output name=verdict::owned\n"
    "##[error]owned\nverdict=owned\n%0A::warning::owned\n"
    "</script><script>alert('owned')</script><img src=x onerror=owned> ]]> "
    "&amp; | owned \\| owned | ` `` ``` ~~~ [owned](javascript:owned) **owned**"
    " @owned #1 www.owned.example https://owned.example\n\n| owned |\n| --- |\n"
    "```\n````\n</details>\n# owned\n<!-- owned\n\nTAP version 13\n"
    "KTAP version 1\n1..0\n# Subtest: owned\nok 1 owned # SKIP owned\n"
    "not ok 9 owned\nreboot: System halted\nList of all partitions:\n"
    "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=owned RESULT=pass>\n# EOF\n"
    "oomgate_run{verdict=\"owned\"} 1\n\x1b[31mowned\x00\x08\x7f\x9b\u2028\u202e"
    "\uffff\"'\\\r\t")


# Objects with names of ours, and texts that are times or one of few words.
KEPT = {"", "starts", "results", "oom"}
FIXED = {"started", "finished", "verdict", "better", "kind"}


def hostile(value, key=""):
    if isinstance(value, dict):
        return {(k if key in KEPT else k + TEXT): hostile(v, k)
                for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(v, key) for v in value]
    if isinstance(value, str) and key not in FIXED:
        return value + TEXT
    return value

with open(sys.argv[1], encoding="utf-8") as file:
    run = json.load(file)
declared = run.pop("metrics")
run = hostile(run)
run["metrics"] = {case + TEXT: [hostile(metric, "oom") for metric in metrics]
                  for case, metrics in declared.items()}
run["results"] *= int(sys.argv[2])
json.dump(run, sys.stdout)
