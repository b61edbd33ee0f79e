# SPDX-License-Identifier: Apache-2.0
"""holds.py RUN.JSON EXPRESSION…: fails, and says which, unless all are true.

An expression sees `run`, the file, and `results`: each result by the name of
its instance, with the place before it where several have that name."""
import json
import sys


def name(result):
    params = ",".join(f"{k}={v}" for k, v in sorted(result["params"].items()))
    return result["id"] + (f"[{params}]" if params else "")


with open(sys.argv[1], encoding="utf-8") as file:
    run = json.load(file)
names = [name(r) for r in run["results"]]
results = {
    (n if names.count(n) == 1 else f"{r['place']} {n}"): r
    for n, r in zip(names, run["results"])
}
verdicts = {n: r["verdict"] for n, r in results.items()}
wrong = [text for text in sys.argv[2:] if not eval(text)]
for text in wrong:
    print("does not hold:", text)
if wrong:
    for n, r in results.items():
        print(f"{n}: {r['verdict']} {r['reason']}")
sys.exit(1 if wrong else 0)
