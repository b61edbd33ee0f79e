# shellcheck shell=bash
# Ctrl-C and SIGKILL in the middle: nothing runs on, what was finished is there.

# start NAME ARG…: a run in the background, its id in PID. A shell's background
# ignores SIGINT; a user's terminal does not.
start() {
  env --default-signal=INT "$OOMGATE" run --results="$WORK/$1" "${@:2}" \
    >"$WORK/$1.out" 2>"$WORK/$1.err" </dev/null &
  PID=$!
}
# gone PID…: neither runs nor waits (a zombie is for its parent to bury).
gone() {
  local pid
  for pid; do
    grep -qs '^State:.[^ZX]' "/proc/$pid/status" || continue
    echo "still there: $pid $(cat "/proc/$pid/comm")"
    return 1
  done
}
began() { grep -qs "\"event\":\"begin\",\"id\":\"$2\"" "$WORK/$1"/*/records.jsonl; }
boxes() { compgen -G "$CGROUPS/oomgate-$1-*" >/dev/null; }
# stop_in_box PID: stops it while one of its boxes exists.
stop_in_box() {
  while kill -0 "$1" 2>/dev/null; do
    boxes "$1" || continue
    kill -STOP "$1"
    within 1 grep -qs '^State:.T' "/proc/$1/status"
    ! boxes "$1" || return 0
    kill -CONT "$1"
  done
  echo "over before a box was seen"
  return 1
}
# ends NAME SIGNAL: the run PID gets it, and is waited for.
ends() {
  local code=0
  kill "-$2" "$PID"
  kill -CONT "$PID" 2>/dev/null || true
  { wait "$PID" || code=$?; } 2>/dev/null
  echo "$code" >"$WORK/$1.code"
}

# In guests, one at a time: the first is finished, the second never ends.
for signal in INT KILL; do
  name=guest_$signal
  start "$name" meta/fail meta/hang --on=vm --timeout=1 --jobs=1
  within 60 began "$name" meta/hang || true
  sleep 1
  mapfile -t family < <(family "$PID")
  qemu=0
  for pid in "${family[@]}"; do
    [[ $(cat "/proc/$pid/comm") != qemu-system* ]] || qemu=$pid
  done
  ends "$name" "$signal"
  check "SIG$signal in a guest: QEMU ran, and is gone" all test "$qemu" -gt 0 AND \
    within 5 gone "${family[@]}"
done
check "Ctrl-C in a guest: exit 130, what was finished is there" all \
  exits guest_INT 130 AND holds guest_INT "run['interrupted']" \
  "verdicts == {'meta/fail': 'fail'}"
check "Ctrl-C in a guest: no scratch folder" not compgen -G "$WORK/guest_INT/*/scratch"
check "SIGKILL in a guest: what was finished is there" all \
  exits guest_KILL 137 AND holds guest_KILL "run['finished'] == ''" \
  "verdicts == {'meta/fail': 'fail'}"
left=$(compgen -G "$WORK/guest_KILL/*/scratch") || true
go_run guest_KILL meta/pass --on=host
check "the next start removes the scratch folder" all test -n "$left" AND \
  not test -e "$left"

if [[ -z $CGROUPS ]]; then
  skipped "Ctrl-C in a cgroup" "$NO_CGROUPS"
  return
fi
for signal in INT KILL; do
  name=cgroup_$signal
  start "$name" fork/merged_vma_enomem pages/sparse_amplification --on=cgroup
  # Before the first of them, a box is made to see whether one can be.
  within 60 began "$name" pages/sparse_amplification || true
  check "SIG$signal in a cgroup: one is there" stop_in_box "$PID"
  mapfile -t family < <(family "$PID")
  ends "$name" "$signal"
  check "SIG$signal in a cgroup: no process is left" within 5 gone "${family[@]}"
  [[ $signal == KILL ]] ||
    check "Ctrl-C in a cgroup: no cgroup is left" not boxes "$PID"
done
check "Ctrl-C in a cgroup: exit 130, what was finished is there" all \
  exits cgroup_INT 130 AND holds cgroup_INT "run['interrupted']" \
  "8 <= len(results) < 12" "list(verdicts.values())[:8] == ['pass'] * 8" \
  "set(verdicts.values()) <= {'pass', 'fail'}"
check "SIGKILL in a cgroup: the cgroup is left" boxes "$PID"
go_run next meta/pass --on=host
check "the next start removes it" not boxes "$PID"
