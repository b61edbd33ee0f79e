# shellcheck shell=bash
# Two runs of the same are the same; one other value is found, with its exit.

# run_json NAME: of its only run.
run_json() { echo "$WORK/$1"/*/run.json; }
# prints NAME PATTERN: on stdout.
prints() { grep -qE -- "$2" "$WORK/$1.out" || { cat "$WORK/$1.out"; return 1; }; }

# Instructions, twice, in guests that are told apart by nothing.
for name in counted counted_again; do
  go_run $name 'cost/mapping[call=mremap]' meta/pass --on=vm \
    --clock=instructions
done
go compared compare "$(run_json counted)" "$WORK/counted_again"
check "two runs by the instruction clock do not differ" all \
  exits compared 0 AND prints compared '^Comparison: 0 REGRESSED, [0-9]+ EQUIVALENT$'

go blessed baseline bless "$(run_json counted)" --into="$WORK/baselines"
go blessed_again baseline bless "$(run_json counted_again)" \
  --into="$WORK/baselines"
check "blessing the second changes no byte of the first's baseline" all \
  exits blessed 0 AND exits blessed_again 0 AND \
  prints blessed_again '^unchanged .*-instructions/[0-9.]+\.json: 2 instances$'
go checked baseline check --in="$WORK/baselines"
check "baseline check finds nothing wrong with it" exits checked 0

go_run held meta/pass --on=vm --clock=instructions \
  --baseline="$WORK/baselines"
check "run --baseline tells what changed, and leaves comparison.json" all \
  exits held 0 AND prints held '^Comparison: 0 REGRESSED' AND \
  test -s "$(dirname "$(run_json held)")/comparison.json"

# A value a fifth larger, a digit that is none, half a file.
baseline=$(echo "$WORK"/baselines/*/*.json)
mkdir "$WORK/edited"
sed -E 's/("instructions": )([0-9]+)/\11\2/' "$(run_json counted)" \
  >"$WORK/edited/more.json"
sed -E 's/("instructions": )([0-9]+)/\1"many"/' "$baseline" \
  >"$WORK/edited/wrong.json"
head -c 2000 "$baseline" >"$WORK/edited/half.json"
go more compare "$baseline" "$WORK/edited/more.json"
check "more instructions are a regression: exit 1" all \
  exits more 1 AND prints more 'REGRESSED .* instructions '
go never compare "$baseline" "$WORK/edited/more.json" --fail-on=never
check "--fail-on=never only tells" all \
  exits never 0 AND prints never 'REGRESSED .* instructions '
go wrong compare "$WORK/edited/wrong.json" "$(run_json counted)"
check "a wrong value: file, line and field" all exits wrong 2 AND \
  says wrong 'wrong.json:[0-9]+: results\[0\].metrics.instructions: is "many", must be a number'
go half compare "$WORK/edited/half.json" "$(run_json counted)"
check "half a file: file and line" all exits half 2 AND \
  says half 'half.json:[0-9]+: '

go_run elsewhere meta/pass --on=host
go refused compare "$(run_json counted)" "$(run_json elsewhere)"
check "a guest and the host are not compared unasked" all exits refused 2 AND \
  grep -q -- '--across=any' "$WORK/refused.err"
