# shellcheck shell=bash
# What it prints and writes, and that it works where it is installed.

go_run json meta/pass meta/fail meta/skip meta/panic --on=host --format=json
check "--format=json prints run.json on stdout and nothing else" all \
  exits json 1 AND cmp "$WORK/json.out" "$WORK"/json/*/run.json

# Every run so far: all verdicts, all places.
valid() {
  local file
  for file in "$WORK"/*/*/run.json; do
    python3 -c '
import json, sys, jsonschema
jsonschema.Draft7Validator(
    json.load(open("results/schema.json")),
    format_checker=jsonschema.FormatChecker()).validate(json.load(open(sys.argv[1])))
' "$file" || return 1
  done
}
if python3 -c 'import jsonschema' 2>/dev/null; then
  check "run.json is as results/schema.json says" valid
else
  skipped "run.json against results/schema.json" "no python3-jsonschema"
fi

go listed list --format=json
listed() {
  python3 -c '
import json, sys
ids = [case["id"] for case in json.load(open(sys.argv[1]))["cases"]]
assert ids and len(ids) == len(set(ids)), ids' "$WORK/listed.out"
}
check "list --format=json has every case once" all exits listed 0 AND listed

go doctor doctor --results="$WORK"
doctor_lines() {
  local strange
  strange=$(sed '/^$/,$d' "$WORK/doctor.out" |
    grep -vE '^\[[a-z ]+\]\.\.\.(OK|WARNING|MISSING)(: |$)|^    ') || true
  [[ -z $strange ]] || { echo "$strange"; return 1; }
  grep -qE '^\[qemu\]\.\.\.OK: .*qemu-system-x86_64' "$WORK/doctor.out"
}
check "doctor: a line per thing, and exit 0" all exits doctor 0 AND doctor_lines

go explain explain pages/global_oom
check "explain: promise, needs, and the command" all exits explain 0 AND \
  grep -q 'page tables alone exhaust RAM' "$WORK/explain.out" AND \
  grep -q 'memory 256m' "$WORK/explain.out" AND \
  grep -qx '  oomgate run pages/global_oom --on=vm' "$WORK/explain.out"

installed() {
  cmake --install build/release --prefix "$WORK/prefix" >"$WORK/install.log" &&
    env -u OOMGATE_LIBEXEC "$WORK/prefix/bin/oomgate" list |
    grep -q '^pages/global_oom ' &&
    env -u OOMGATE_LIBEXEC "$WORK/prefix/bin/oomgate" run meta/pass --on=host \
      --results="$WORK/installed"
}
check "installed, it finds its programs and runs" installed
