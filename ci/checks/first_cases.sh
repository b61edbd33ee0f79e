# shellcheck shell=bash
# Real cases pass, and can fail: one instance of each, as it is and inverted.

go list list --format=json
mapfile -t instances < <(python3 -c '
import json, sys
for case in json.load(open(sys.argv[1]))["cases"]:
    if not case["meta"]: print(case["instances"][-1])' "$WORK/list.out")

go_run vm "${instances[@]}" --on=vm --jobs=2
check "cases pass in guests" all exits vm 0 AND \
  holds vm "len(results) == ${#instances[@]}" "set(verdicts.values()) == {'pass'}"
go_run vm_inverted "${instances[@]}" --on=vm --jobs=2 --invert
check "cases fail in guests when inverted" all exits vm_inverted 1 AND \
  holds vm_inverted "len(results) == ${#instances[@]}" \
  "set(verdicts.values()) == {'fail'}"

if [[ -n $CGROUPS ]]; then
  # What does not fit the place, or needs other settings, is skipped.
  go_run cgroup "${instances[@]}" --on=cgroup
  check "cases pass in a cgroup" all exits cgroup 0 AND \
    holds cgroup "set(verdicts.values()) <= {'pass', 'skip'}" \
    "any(r['verdict'] == 'pass' and r['shape'] != 'cgroup1' and
         r['end'] == 'oom-killed' for r in results.values())"
  mapfile -t passed < <(python3 -c '
import glob, json, sys
for r in json.load(open(glob.glob(sys.argv[1])[0]))["results"]:
    params = ",".join(f"{k}={v}" for k, v in sorted(r["params"].items()))
    if r["verdict"] == "pass": print(r["id"] + (f"[{params}]" if params else ""))
' "$WORK/cgroup/*/run.json")
  go_run cgroup_inverted "${passed[@]}" --on=cgroup --invert
  check "cases fail in a cgroup when inverted" all exits cgroup_inverted 1 AND \
    holds cgroup_inverted "len(results) == ${#passed[@]}" \
    "set(verdicts.values()) == {'fail'}"
else
  skipped "cases in a cgroup" "$NO_CGROUPS"
fi

# Page tables alone exhaust a guest, and nobody else pays for it.
go_run seed 'pages/global_oom[sibling=0,stride=2m]' \
  'pages/global_oom[sibling=40m,stride=2m]' --on=vm --memory=256m --jobs=2
alone="results['pages/global_oom[sibling=0,stride=2m]']"
check "seed experiment: killed with an RSS below 1 MiB" all exits seed 0 AND \
  holds seed "${alone}['verdict'] == 'pass'" "${alone}['end'] == 'oom-killed'" \
  "0 < ${alone}['values']['last_rss'] < 2**20" \
  "${alone}['oom']['anon_rss_kb'] < 1024"
check "seed experiment: page tables hold 75 % of RAM, as the kernel says" \
  holds seed "${alone}['shape'] == 'vm-256m-1cpu'" \
  "${alone}['oom']['pgtables_kb'] * 1024 >= 0.75 * run['starts'][0]['mem_total']" \
  "${alone}['oom']['constraint'] == 'CONSTRAINT_NONE'" \
  "${alone}['oom']['victim'] == 'oomgate-subject'"
check "seed experiment: an innocent sibling of 40 MiB survives" holds seed \
  "results['pages/global_oom[sibling=40m,stride=2m]']['verdict'] == 'pass'" \
  "results['pages/global_oom[sibling=40m,stride=2m]']['values']['sibling.written'] == 40 * 2**20"
check "seed experiment: takes seconds" holds seed \
  "max(r['seconds'] for r in results.values()) < 30"
