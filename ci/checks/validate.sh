# shellcheck shell=bash
# Hosts against profiles, and questions: this host as it is, a guest that is
# set up right and wrong.

schema_holds() {
  python3 - runner/profiles <<'PY'
import glob, json, sys, jsonschema
schema = json.load(open(f"{sys.argv[1]}/schema.json"))
profiles = [p for p in glob.glob(f"{sys.argv[1]}/*.json") if "schema" not in p]
assert len(profiles) >= 7, profiles
for path in profiles:
    jsonschema.validate(json.load(open(path)), schema)
PY
}
check "profiles hold their schema" schema_holds

probes_exist() {
  "$OOMGATE" list '*' 'validate/*' --format=json | python3 -c '
import glob, json, sys
there = {i for c in json.load(sys.stdin)["cases"] for i in c["instances"]}
for path in glob.glob("runner/profiles/*.json"):
    for check in json.load(open(path)).get("checks", []):
        probe = check.get("probe")
        if not probe:
            continue
        params = ",".join(f"{k}={v}" for k, v in
                          sorted(probe.get("params", {}).items()))
        name = probe["case"] + (f"[{params}]" if params else "")
        if name not in there:
            sys.exit(f"{path}: no instance {name}")
'
}
check "each probe of a profile is an instance" probes_exist

# knob PATH WANTED SEVERITY: a profile of one's own with one check.
knob() {
  printf '{"name":"mine","about":"a","checks":[{"name":"c","severity":"%s",
    "source":"s","remedy":"r","cost":"c","knob":{"path":"%s","wanted":%s}}]}' \
    "$3" "$1" "$2" >"$WORK/mine.json"
}
release=$(cat /proc/sys/kernel/osrelease)
knob /proc/sys/kernel/osrelease "{\"equals\": \"$release\"}" fail
go mine validate --profile "$WORK/mine.json" --format=json
knob /proc/sys/kernel/osrelease '{"equals": "0.0"}' fail
go other validate --profile "$WORK/mine.json" --format=json
check "one's own profile is a file; what fails exits with 1" all \
  exits mine 0 AND exits other 1 AND grep -q '"state": "FAIL"' "$WORK/other.out"
knob /proc/sys/kernel/osrelease '{"equals": "0.0"}' warning
go warned validate --profile "$WORK/mine.json"
go refused validate --profile "$WORK/mine.json" --fail-on=warning
check "a warning fails where it is asked for" all exits warned 0 AND \
  exits refused 1 AND grep -qF '[c]...WARNING' "$WORK/refused.out"
go junit validate --profile "$WORK/mine.json" --format=junit
check "JUnit is XML" xmllint --noout "$WORK/junit.out"

knob /etc/passwd '{"equals": "0"}' fail
go bad validate --profile "$WORK/mine.json"
check "a bad profile is named, and its field" all exits bad 2 AND \
  says bad 'mine\.json: checks\[0\]\.knob\.path: must be below'
go none validate --profile nothing
check "a profile that is not there is refused, with those that are" all \
  exits none 2 AND says none 'redis'

sed 's/"host": ".*"/"host": "second"/' "$WORK/mine.out" >"$WORK/second.json"
go fleet merge "$WORK/other.out" "$WORK/second.json"
check "merge makes a table of hosts" all exits fleet 1 AND \
  grep -qE '^mine: c +FAIL +OK' "$WORK/fleet.out"
go mixed merge "$WORK/second.json" ci/README.md
check "merge takes hosts or shards, not both" exits mixed 2

go generic validate
check "the default profile runs here, and ends within a minute" \
  grep -qE '^7 checks in [0-5]?[0-9]\.' "$WORK/generic.out"
# A file of root's folders is nothing for anybody else; what is left is said.
if [[ $(id -u) -eq 0 ]]; then
  AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  go nobody validate --profile redis
  AS=()
  check "without root it does what it can, and says what it could not" all \
    grep -qF '[copies of a snapshot]...SKIPPED(' "$WORK/nobody.out" AND \
    grep -qF '[fork of a large process]...' "$WORK/nobody.out" AND \
    grep -q '^Not root: ' "$WORK/nobody.out"
fi

go asked ask fork --pid $$ --format=json
check "ask tells rule, numbers and certainty" all exits asked 0 AND \
  grep -q '"rule": "__vm_enough_memory' "$WORK/asked.out" AND \
  grep -q '"certainty": "high' "$WORK/asked.out"
# The kernel's own oom_score falls along the ranking.
sleep 60 &
sleeper=$!
echo 1000 >/proc/$sleeper/oom_score_adj
go oom ask oom --top=1
kill $sleeper
check "who dies first is who the kernel would choose" \
  grep -qE "^  [0-9]+ .* points: .*oom_score_adj 1000" "$WORK/oom.out"

if command -v busybox cpio qemu-system-x86_64 >/dev/null; then
  check "in a guest each set-up gets its verdict" \
    env PARTS=modes timeout 100 ci/validate_guests table
  check "in a guest ask fork agrees with fork, in every mode" \
    timeout 60 ci/validate_guests fork
else
  skipped "set-ups in a guest" "busybox, cpio or QEMU is missing (ci/packages)"
fi
