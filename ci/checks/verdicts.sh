# shellcheck shell=bash
# Every verdict in every place, and the exit codes that they lead to.

# In parallel: two of the three mostly wait.
go_run meta_host 'meta/*' --on=host --timeout=1 &
host=$!
cgroup=
if [[ -n $CGROUPS ]]; then
  go_run meta_cgroup 'meta/*' --on=cgroup --timeout=1 &
  cgroup=$!
fi
go_run meta_vm 'meta/*' --on=vm --timeout=1 --jobs=2
wait "$host" ${cgroup:+"$cgroup"}

everywhere="'meta/pass': 'pass', 'meta/fail': 'fail', 'meta/deadline': 'fail',
  'meta/skip': 'skip', 'meta/known': 'known', 'meta/broken': 'broken',
  'meta/hang': 'lost', 'meta/judge_killed': 'lost'"
for place in host cgroup; do
  if [[ $place == cgroup && -z $CGROUPS ]]; then
    skipped "verdicts in a cgroup" "$NO_CGROUPS"
    continue
  fi
  check "each verdict on $place" all exits "meta_$place" 1 AND \
    holds "meta_$place" \
    "verdicts == {$everywhere, **dict.fromkeys(['meta/panic',
      'meta/hang_machine', 'meta/promised_panic', 'meta/other_panic',
      'meta/leak'], 'skip')}"
done
check "each verdict in a guest" all exits meta_vm 1 AND holds meta_vm \
  "verdicts == {$everywhere, 'meta/panic': 'lost', 'meta/hang_machine': 'lost',
    'meta/promised_panic': 'pass', 'meta/other_panic': 'fail',
    'meta/leak': 'fail'}"
check "a leak is found by the kit" holds meta_vm \
  "any(found['what'] == 'left behind' and '+4096 kB' in found['text']
    for found in results['meta/leak']['also'])"
check "another panic than the promised one shows both" holds meta_vm \
  "results['meta/other_panic']['checks'][0]['value'] == 'panic'" \
  "all(results['meta/other_panic']['checks'][0][text]
    for text in ('seen', 'expected'))"
check "a panic is told from a hang" holds meta_vm \
  "'panic' in results['meta/panic']['reason']" \
  "'sysrq triggered crash' in results['meta/panic']['console']" \
  "'panic' not in results['meta/hang_machine']['reason']"
check "a guest that hung shows what it was doing" holds meta_vm \
  "'sysrq: Show Memory' in results['meta/hang_machine']['console']" \
  "'sysrq: Show Blocked State' in results['meta/hang_machine']['console']"

# exit_code CODE ARG…
exit_code() {
  local name="exit_$1_${*: -1}"
  go_run "${name//\//_}" "${@:2}" --on=host
  check "exit $1: ${*:2}" exits "${name//\//_}" "$1"
}
exit_code 0 meta/pass
exit_code 0 meta/known
exit_code 1 meta/fail
exit_code 1 meta/judge_killed
exit_code 70 meta/broken
exit_code 4 meta/skip
exit_code 1 --require meta/skip
exit_code 4 meta/panic
