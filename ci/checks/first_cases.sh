# shellcheck shell=bash
# Real cases pass, and can fail: the quick suite, as it is and inverted. What
# fits no place or kernel is skipped both times.

# inverts NAME INVERTED [AREA…]: every pass of the one is a failure of the other;
# what stands in an area is not asked.
inverts() {
  python3 - "$WORK/$1" "$WORK/$2" "${@:3}" <<'PY'
import glob, json, sys
def verdicts(folder):
    [path] = glob.glob(folder + "/*/run.json")
    return {(r["id"], str(r["params"]), r["shape"]): r["verdict"]
            for r in json.load(open(path))["results"]
            if not r["id"].startswith(tuple(sys.argv[3:]))}
plain, inverted = map(verdicts, sys.argv[1:3])
wrong = [(*name, verdict, inverted.get(name)) for name, verdict in plain.items()
         if (verdict, inverted.get(name)) not in
         (("pass", "fail"), ("skip", "skip"), ("known", "pass"))]
print(wrong or f"{len(plain)} instances")
sys.exit(bool(wrong))
PY
}

go_run vm --suite=quick --on=vm --jobs=2
check "cases pass in guests" all exits vm 0 AND \
  holds vm "list(verdicts.values()).count('pass') > 20" \
  "set(verdicts.values()) <= {'pass', 'skip', 'known'}"
go_run vm_inverted --suite=quick --on=vm --jobs=2 --invert
check "cases fail in guests when inverted" all exits vm_inverted 1 AND \
  inverts vm vm_inverted

# Whether reading memory that was never written costs none, on this machine.
# Some hosts' kernels have that taken out; cases then fail there, as they should.
reads_are_free() {
  python3 - <<'PY'
import mmap, sys
def rss():
    return next(int(line.split()[1]) for line in open("/proc/self/smaps_rollup")
                if line.startswith("Rss:"))
memory = mmap.mmap(-1, 16 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                   mmap.PROT_READ)
before = rss()
for at in range(0, len(memory), 4096):
    memory[at]
sys.exit(rss() - before > 8192)
PY
}

if [[ -n $CGROUPS ]]; then
  go_run cgroup --suite=quick --on=cgroup
  code=0
  areas=()  # where a case may fail
  reads_are_free || { code=1 areas=(pages/ madvise/); }
  check "cases pass in a cgroup, or fail where the kernel has no zero page" \
    all exits cgroup $code AND \
    holds cgroup "all(verdict in ('pass', 'skip', 'known') or
      verdict == 'fail' and name.startswith(tuple('${areas[*]}'.split()))
      for name, verdict in verdicts.items())" \
    "any(r['verdict'] == 'pass' and r['shape'] != 'cgroup1' and
         r['end'] == 'oom-killed' for r in results.values())"
  go_run cgroup_inverted --suite=quick --on=cgroup --invert
  check "cases fail in a cgroup when inverted" all exits cgroup_inverted 1 AND \
    inverts cgroup cgroup_inverted "${areas[@]}"
else
  skipped "cases in a cgroup" "$NO_CGROUPS"
fi

# Page tables alone exhaust a guest, and nobody else pays for it.
go_run seed 'pages/global_oom[mode=0,stride=2m]' --on=vm --memory=256m
seed="results['pages/global_oom[mode=0,stride=2m]']"
check "seed experiment: killed with an RSS below 3 MiB" all exits seed 0 AND \
  holds seed "${seed}['verdict'] == 'pass'" "${seed}['end'] == 'oom-killed'" \
  "0 < ${seed}['values']['last_rss'] < 3 * 2**20" \
  "${seed}['oom']['anon_rss_kb'] < 1024"
check "seed experiment: page tables hold 75 % of what the sibling leaves" \
  holds seed "${seed}['shape'] == 'vm-256m-1cpu'" \
  "${seed}['oom']['pgtables_kb'] * 1024 >= \
     0.75 * (run['starts'][0]['mem_total'] - 40 * 2**20)" \
  "${seed}['oom']['constraint'] == 'CONSTRAINT_NONE'" \
  "${seed}['oom']['victim'] == 'oomgate-subject'"
check "seed experiment: an innocent sibling of 40 MiB survives" holds seed \
  "${seed}['values']['sibling.written'] == 40 * 2**20"
check "seed experiment: takes seconds" holds seed "${seed}['seconds'] < 30"
