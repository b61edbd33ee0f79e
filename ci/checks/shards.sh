# shellcheck shell=bash
# Shards: planned, run, merged to what a run without them gives; and the files
# with which CI engines do that.

# Each instance in one place, fast, every verdict that a host can have.
shard_cases=(meta/pass meta/fail meta/skip meta/known meta/broken
  meta/judge_killed 'pages/read_no_rss' 'overcommit/*')
# shard NAME I/N [ARG…]: below the folder `shards`.
shard() {
  local name=shards/$1
  mkdir -p "$WORK/shards"
  go_run "$name" "${shard_cases[@]}" --on=host --shard="$2" "${@:3}"
}
# merge_into NAME RUN…: of shards, by their names.
merge_into() {
  local name=$1
  shift
  go "$name" merge "${@/#/$WORK/shards/}" --into="$WORK/$name/merged"
}
# same ONE OTHER: the same verdicts, reasons aside, in the same order.
same() {
  python3 - "$WORK/$1"/*/run.json "$WORK/$2"/*/run.json <<'PYTHON'
import json, sys
one, other = ([(r["id"], r["params"], r["place"], r["shape"], r["verdict"], r["end"])
               for r in json.load(open(file))["results"]] for file in sys.argv[1:])
if one != other or not one:
    sys.exit(f"{one}\nis not\n{other}")
PYTHON
}

go_run whole "${shard_cases[@]}" --on=host
for i in 1 2 3; do shard "$i" "$i/3"; done
runs=()
for i in 1 2 3; do runs+=("$(basename "$WORK/shards/$i"/*)"); done
merge_into merged "3/${runs[2]}" "1/${runs[0]}" "2/${runs[1]}"
check "merged shards are the run without shards, and exit as it does" all \
  exits whole 1 AND exits merged 1 AND same merged whole
check "a shard says which it is" holds shards/2 "run['shard']['index'] == 2" \
  "run['shard']['count'] == 3" "len(run['shard']['positions']) > 0"
check "each shard has a part" all not same shards/1 whole AND \
  not same shards/1 shards/2

go plan plan "${shard_cases[@]}" --shards=3 --format=json \
  --durations "$WORK"/whole/*
planned() {
  python3 - "$WORK/plan.out" "$WORK"/whole/*/run.json <<'PYTHON'
import json, sys
shards = json.load(open(sys.argv[1]))["shards"]
names = sorted(name for shard in shards for name in shard["instances"])
results = json.load(open(sys.argv[2]))["results"]
assert len(names) == len(set(names)) == len(results), names
seconds = [shard["seconds"] for shard in shards]
longest = max(r["seconds"] for r in results)
assert max(seconds) - min(seconds) <= longest + 1, seconds
PYTHON
}
check "plan: each instance once, in shards of about equal length" all \
  exits plan 0 AND planned
go matrix plan meta/pass meta/fail --shards=9 --github-matrix
check "plan --github-matrix: no shard is empty" \
  test "$(cat "$WORK/matrix.out")" = '{"shard":["1/2","2/2"]}'

# refuses_merge WHAT PATTERN RUN…
merges=0
refuses_merge() {
  local name=no_merge$((++merges))
  merge_into "$name" "${@:3}"
  check "merge refuses $1: exit 70, and which" all exits "$name" 70 AND \
    says "$name" "$2" AND not test -e "$WORK/$name"
}
refuses_merge "a missing shard" 'shard 2/3 is missing' "1/${runs[0]}" "3/${runs[2]}"
refuses_merge "a shard twice" 'shard 2/3 is there more than once' \
  "1/${runs[0]}" "2/${runs[1]}" "2/${runs[1]}/run.json" "3/${runs[2]}"
shard other 2/3 --timeout=7
refuses_merge "a shard of another run" 'shards of different runs.*/other/' \
  "1/${runs[0]}" "other/$(basename "$WORK"/shards/other/*)" "3/${runs[2]}"
refuses_merge "a run without shards" '/whole/.* is no shard' \
  "1/${runs[0]}" "../whole/$(basename "$WORK"/whole/*)"

# A shard that is killed; then run again.
"$OOMGATE" run meta/pass meta/hang --on=host --timeout=60 --shard=1/2 \
  --results="$WORK/shards/killed" >/dev/null 2>&1 </dev/null &
killed=$!
within 20 grep -qs '"event":"begin"' "$WORK"/shards/killed/*/records.jsonl || true
kill -KILL "$killed"
wait "$killed" 2>/dev/null || true
for i in 1 2; do
  go_run "shards/again$i" meta/pass meta/hang --on=host --timeout=1 --shard="$i/2"
done
go_run hang meta/pass meta/hang --on=host --timeout=1
cut_off=killed/$(basename "$WORK"/shards/killed/*)
again=(again1/"$(basename "$WORK"/shards/again1/*)" again2/"$(basename "$WORK"/shards/again2/*)")
refuses_merge "a shard of other time limits" 'shards of different runs' \
  "${again[1]}" "$cut_off"
sed -i "s/\"plan\": \".*\"/$(grep -o '"plan": ".*"' "$WORK/shards/${again[0]}/run.json")/" \
  "$WORK/shards/$cut_off/run.json"
refuses_merge "a killed shard" 'shard 1/2 did not come to its end: .*/killed/' \
  "${again[1]}" "$cut_off"
merge_into repaired "${again[@]}" "$cut_off"
check "a shard run again replaces the killed one" all exits repaired 1 AND \
  same repaired hang AND grep -q 'killed/.*passed over' "$WORK/repaired.err"

# Engines ------------------------------------------------------------------------
AS=(env JOB_COMPLETION_INDEX=1)
go_run shards/kubernetes meta/pass meta/fail --on=host --shard=auto --shards=2
AS=(env TEST_SHARD_INDEX=0 TEST_TOTAL_SHARDS=2 TEST_SHARD_STATUS_FILE="$WORK/status")
go_run shards/bazel meta/pass meta/fail --on=host --shard=auto
AS=(env CI_NODE_INDEX=1)
go_run contradicts meta/pass --on=host --shard=auto
AS=()
check "--shard=auto: Kubernetes" all exits shards/kubernetes 0 AND \
  holds shards/kubernetes "verdicts == {'meta/pass': 'pass'}"
check "--shard=auto: Bazel, and its status file" all exits shards/bazel 1 AND \
  holds shards/bazel "verdicts == {'meta/fail': 'fail'}" AND test -e "$WORK/status"
check "--shard=auto: a missing variable: exit 2, and which" all exits contradicts 2 \
  AND says contradicts 'CI_NODE_TOTAL is not set' AND not test -e "$WORK/contradicts"
go_run unset meta/pass --on=host --shard=
check "--shard of a variable that is not set: exit 2, not all of it" all \
  exits unset 2 AND says unset '--shard'
go_run shards/empty meta/pass --on=host --shard=2/2
check "an empty shard ran nothing: exit 4" exits shards/empty 4

# An action's steps, as a runner does them -----------------------------------------
mkdir "$WORK/bin"
printf '#!/bin/sh\necho "sudo: $*" >>"%s"\n' "$WORK/sudo" >"$WORK/bin/sudo"
chmod +x "$WORK/bin/sudo"
# A home with kernels, but none of the guests that are saved here.
mkdir -p "$WORK/home/.cache/oomgate"
ln -s "${XDG_CACHE_HOME:-$HOME/.cache}/oomgate/kernels" "$WORK/home/.cache/oomgate/"
# step NAME INPUT…
step() {
  local code=0
  env -u XDG_CACHE_HOME PATH="$WORK/bin:$PATH" HOME="$WORK/home" timeout 300 python3 ci/checks/github_step.py ci/action.yml \
    "$WORK/$1" "${@:2}" >"$WORK/$1.out" 2>"$WORK/$1.err" || code=$?
  echo "$code" >"$WORK/$1.code"
}
step step 'arguments=meta/pass meta/fail --on=host'
output() { sed -n "s/^$2=//p" "$WORK/$1/outputs"; }
check "a step that fails: exit 1, annotation, summary, outputs" all \
  exits step 1 AND test "$(output step verdict)" = fail AND \
  grep -q '^::error title=fail%3A meta/fail' "$WORK/step.out" AND \
  grep -q 'meta/fail' "$WORK/step/summary" AND \
  test -s "$(output step run-json)" AND test -s "$(output step report)"
stopped() {
  local token
  token=$(sed -n 's/^::stop-commands:://p' "$WORK/step.out")
  [[ -n $token ]] && grep -qx "::$token::" "$WORK/step.out"
}
check "what a run prints is no command" stopped
step step_pass 'arguments=meta/pass --on=host'
check "a step that passes: exit 0" all exits step_pass 0 AND \
  test "$(output step_pass verdict)" = pass
step step_nothing 'arguments=meta/skip --on=host'
check "a step in which nothing ran: exit 4, not green" all exits step_nothing 4 AND \
  test "$(output step_nothing verdict)" = nothing-ran
step step_usage kernel=none
check "a step that cannot run: exit 2, and why" all exits step_usage 2 AND \
  test "$(output step_usage verdict)" = broken AND \
  grep -q 'no kernel none' "$WORK/step_usage.err"
mkdir -p "$WORK/artifacts"
for i in 1 2; do
  step "step$i" "arguments=meta/pass meta/fail --on=host" "shard=$i/2"
  cp -r "$WORK/step$i/temp" "$WORK/artifacts/$i"
done
step step_merge "merge=$WORK/artifacts"
check "steps in shards, and one that merges them" all exits step_merge 1 AND \
  grep -q '"meta/pass"' "$(output step_merge run-json)" AND \
  test "$(output step_merge verdict)" = fail
step step_missing "merge=$WORK/artifacts/1"
check "a merging step with a missing shard: exit 70" all exits step_missing 70 AND \
  grep -q 'shard 2/2 is missing' "$WORK/step_missing.err"

# The files themselves ---------------------------------------------------------------
same_workflows() {
  local file
  for file in ci/workflows/*.yml; do
    sed 's,OWNER/oomgate/ci@v1,./ci,' "$file" |
      diff - ".github/workflows/${file##*/}" || return 1
  done
}
check "our own workflows are the ready ones" same_workflows
engines() {
  python3 - <<'PYTHON'
import re, yaml
assert yaml.safe_load(open("ci/engines/gitlab.yml"))["oomgate"]["parallel"] > 1
job = yaml.safe_load(open("ci/engines/kubernetes.yml"))["spec"]
[box] = job["template"]["spec"]["containers"]
[shards] = re.findall(r"--shards=(\d+)", box["command"][-1])
assert job["completions"] == int(shards), shards
retried = [rule["action"] for rule in job["podFailurePolicy"]["rules"]
           if rule.get("onExitCodes", {}).get("values") == [70]]
assert retried == ["Count", "FailIndex"], retried
PYTHON
}
check "files of engines: as many shards as they start" engines
libraries() {
  local library package
  while read -r library; do
    package=$(dpkg-query -S "*/x86_64-linux-gnu/$library" | sed 's/:.*//;q')
    [[ $package == libc6 || $package == libgcc-s1 ]] ||
      grep -qwF -- "$package" <(sed -n '/^FROM.*slim/,$p' ci/Containerfile) ||
      { echo "$library: $package is not in ci/Containerfile"; return 1; }
  done < <(readelf -d build/release/oomgate | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
}
check "the container has the libraries that oomgate needs" libraries
if npm install --prefix "$WORK/npm" --no-audit --no-fund --silent \
  @action-validator/core@0.6.0 @action-validator/cli@0.6.0 >"$WORK/npm.log" 2>&1; then
  for file in ci/action.yml .github/workflows/*.yml ci/workflows/*.yml; do
    check "$file is valid" "$WORK/npm/node_modules/.bin/action-validator" "$file"
  done
  printf 'on: push\njobs: {a: {runs-on: x, step: []}}\n' >"$WORK/wrong.yml"
  check "the validator can say no" \
    not "$WORK/npm/node_modules/.bin/action-validator" "$WORK/wrong.yml"
else
  skipped "action and workflow files" "no validator: $(tail -n 1 "$WORK/npm.log")"
fi
