# shellcheck shell=bash
# Real `git bisect run` over a little repository whose commits choose between
# kernels: the default one, one that reports no constraint of an OOM, and one
# that finds no init. Then settings; exit codes whatever happens.

mkdir "$WORK/kernels"
image=$("$OOMGATE" kernel show --format=json |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["image"])')
python3 - "$image" "$WORK/kernels" <<'EOF'
import sys
image, folder = sys.argv[1:]
good = open(image, "rb").read()
def write(name, old, new):
    assert old in good and len(old) == len(new), (name, old)
    open(f"{folder}/{name}", "wb").write(good.replace(old, new))
write("good", b"oom-kill:constraint=", b"oom-kill:constraint=")
write("bad", b"oom-kill:constraint=", b"oom-kill:condition.=")
write("unbootable", b"/init\0", b"/none\0")
EOF

history=$WORK/history
git init -q "$history"
# commit KERNEL: what the next commit is built from.
commit() {
  echo "$1" >"$history/kernel"
  git -C "$history" add -A
  git -C "$history" -c user.name=x -c user.email=x@localhost \
    commit -q --allow-empty -m "${2:-a kernel that is $1}"
}
cat >"$history/build.sh" <<EOF
[ "\$(cat kernel)" != error ] || { echo "mm/x.c:1: error: no" >&2; exit 2; }
cp "$WORK/kernels/\$(cat kernel)" vmlinux
EOF
printf 'vmlinux\nresults\n' >"$history/.gitignore"
# The first that git tries does not build, the next one does not boot.
commit good base
for kernel in good good unbootable good error good bad bad bad bad; do commit "$kernel"; done
first_bad=$(git -C "$history" rev-parse HEAD~3)
# there NAME COMMAND…: in the repository.
there() {
  local name=$1 code=0
  shift
  (cd "$history" && timeout 300 "$@" </dev/null) \
    >"$WORK/$name.out" 2>"$WORK/$name.err" || code=$?
  echo "$code" >"$WORK/$name.code"
}
# step NAME ARG…: of what is checked out.
step() {
  local name=$1
  shift
  there "$name" "$OOMGATE" bisect step --kernel vmlinux --results "$WORK/$name" "$@"
}
prints() { grep -qE -- "$2" "$WORK/$1.out" || { cat "$WORK/$1.out"; return 1; }; }

git -C "$history" bisect start HEAD HEAD~10 >"$WORK/start" 2>&1
there bisect git bisect run "$OOMGATE" bisect step --build 'sh build.sh' \
  --kernel vmlinux --results "$WORK/bisect" oom/report_parse
check "git bisect run finds the commit, around one that does not build" all \
  exits bisect 0 AND \
  test "$(git -C "$history" rev-parse refs/bisect/bad)" = "$first_bad" AND \
  prints bisect '^bisect: skip: the build failed \(exit 2\): mm/x.c:1: error: no'
check "it says how far it is, and what it found, with both consoles" all \
  prints bisect '^bisect: step 3 of about [3-7], [0-9]+ s left: ' AND \
  prints bisect "^First bad commit: ${first_bad:0:12} a kernel that is bad" AND \
  test "$(grep -c '^ *console .*/console-' "$WORK/bisect.out")" -eq 2 AND \
  prints bisect "^  again   git checkout ${first_bad:0:12} && \(sh build.sh\) && oomgate run oom/report_parse "
git -C "$history" bisect reset >"$WORK/reset" 2>&1

git -C "$history" checkout -q HEAD~7
step unbootable --build 'sh build.sh' meta/pass
check "a kernel that does not boot is skipped, tried twice" all \
  exits unbootable 125 AND prints unbootable '^bisect: skip: broken: ' AND \
  test "$(grep -c ': booting ' "$WORK/unbootable.err")" -eq 2
git -C "$history" checkout -q HEAD~2
cp "$WORK/kernels/good" "$history/vmlinux"
step skipped meta/skip
check "a case that is skipped is skipped" exits skipped 125
step failing --confirm 1 meta/fail
check "--confirm runs again" all exits failing 1 AND \
  test "$(compgen -G "$WORK/failing/runs/*/run.json" | wc -l)" -eq 2

# A cost, by the instruction clock.
go_run cost meta/pass --on=vm --clock=instructions --cold --kernel="$history/vmlinux"
sed 's/"answer": 42/"answer": 41/' "$WORK"/cost/*/run.json >"$WORK/fewer.json"
step dearer meta/pass --metric answer --worse-than 2% --baseline "$WORK/fewer.json"
check "2.4 % more are bad where 2 % are allowed" all exits dearer 1 AND \
  prints dearer '^bisect: bad: answer 41 -> 42 \(\+2\.44 %\)'
step as_dear meta/pass --metric answer --worse-than 3% --baseline "$WORK/fewer.json"
check "and good where 3 % are" exits as_dear 0

# Whatever happens, git gets a code that it understands.
step no_case no/such
check "no such case: the bisect stops" exits no_case 255
step no_use --nonsense meta/pass
check "no such option: the bisect stops" exits no_use 255
# killed NAME SIGNAL WHOM CODE: a step whose build goes on; WHOM: 0, the step
# itself, or 1, the child that does the work.
killed() {
  local step_pid work_pid code=0 pids
  # A shell's background ignores SIGQUIT.
  env --default-signal=QUIT "$OOMGATE" bisect step --kernel x \
    --results "$WORK/$1" --build 'sleep 300' meta/pass >"$WORK/$1.out" 2>"$WORK/$1.err" </dev/null &
  step_pid=$!
  within 20 grep -qs . "$WORK/$1.out"
  within 20 eval "[[ \$(family $step_pid | wc -l) -ge 3 ]]"
  mapfile -t pids < <(family "$step_pid")
  work_pid=${pids[0]}
  kill "-$2" "$([[ $3 -eq 0 ]] && echo "$step_pid" || echo "$work_pid")"
  { wait "$step_pid" || code=$?; } 2>/dev/null
  [[ $code -eq $4 ]] || { echo "exit $code"; return 1; }
  within 10 gone_all "${pids[@]}"
}
gone_all() {
  local pid
  for pid; do ! grep -qs '^State:.[^ZX]' "/proc/$pid/status" || return 1; done
}
check "SIGTERM: the bisect stops, the build is gone" killed term TERM 0 255
check "SIGQUIT: the bisect stops, the build is gone" killed quit QUIT 0 255
check "the work is killed: the step is skipped, the build is gone" killed work KILL 1 125

# Two of ten settings matter, one to each case.
settings='vm.swappiness=10 vm.vfs_cache_pressure=50 thp=never vm.dirty_ratio=10
  vm.dirty_background_ratio=3 vm.page-cluster=0 vm.overcommit_memory=2
  vm.watermark_scale_factor=50 vm.max_map_count=100000 vm.laptop_mode=1'
go settings bisect settings --good '' --bad "$settings" --results "$WORK/settings" \
  'fork/zero_pt_not_copied[kind=zero]' 'thp/min_ram_default[ram=768m]'
check "the one setting of ten that flips each case" all exits settings 0 AND \
  prints settings '^Enough, and none can go: vm.overcommit_memory=2 \(1 of 10 changes\)' AND \
  prints settings '^Enough, and none can go: thp=never \(1 of 10 changes\)'
# A crash: the last line is half there.
log=$WORK/settings/thp-min_ram_default[ram=768m]/log.jsonl
lines=$(wc -l <"$log")
truncate -s -10 "$log"
go settings bisect settings --good '' --bad "$settings" --results "$WORK/settings" \
  'fork/zero_pt_not_copied[kind=zero]' 'thp/min_ram_default[ram=768m]'
check "an interrupted search goes on: one step is run again" all exits settings 0 AND \
  test "$(grep -c '^bisect: step' "$WORK/settings.out")" -eq 1 AND \
  test "$(wc -l <"$log")" -eq "$lines"

# A tree that only looks like a kernel's: its options choose the kernel.
mkdir "$WORK/tree"
touch "$WORK/tree/Kconfig"
cat >"$WORK/tree/Makefile" <<EOF
olddefconfig:
	@sort -o \$(O)/.config \$(O)/.config
bzImage:
	@mkdir -p \$(O)/arch/x86/boot
	@! grep -q '^CONFIG_B=y' \$(O)/.config || kernel=bad; \\
	  cp "$WORK/kernels/\$\${kernel:-good}" \$(O)/arch/x86/boot/bzImage
EOF
printf '# CONFIG_%s is not set\n' A B C D >"$WORK/good.config"
printf 'CONFIG_%s=y\n' A B C D >"$WORK/bad.config"
go config bisect config --good "$WORK/good.config" --bad "$WORK/bad.config" \
  --source "$WORK/tree" --results "$WORK/config" oom/report_parse
check "the one option of four that flips a case" all exits config 0 AND \
  prints config '^Enough, and none can go: CONFIG_B=y \(1 of 4 options\)'
