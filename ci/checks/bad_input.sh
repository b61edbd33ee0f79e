# shellcheck shell=bash
# Bad input: exit 2 and one line that says why, before anything is left behind.

refusals=0
# refuses WHAT PATTERN ARG…: a run with these arguments.
refuses() {
  local name=refusal$((++refusals))
  go_run "$name" "${@:3}"
  check "$1: exit 2, and why" all exits "$name" 2 AND says "$name" "$2" AND \
    not test -s "$WORK/$name.out" AND not test -e "$WORK/$name"
}
# Somebody else where this is root; `env` for nothing to do elsewhere.
nobody=(env HOME="$WORK")
[[ $EUID -ne 0 ]] ||
  nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$WORK")

# Verbs, patterns and sizes ----------------------------------------------------------
go verb frobnicate
check "an unknown verb: exit 2, and why" all exits verb 2 AND \
  says verb "no verb 'frobnicate'; there are list, explain, run"
refuses "an unknown id" "no case matches 'pages/globaloom'; closest: pages/global_oom" \
  pages/globaloom --on=host
refuses "a glob that matches nothing" "no case matches 'nothing/\*'" 'nothing/*'
refuses "a parameter that no instance has" "no instance matches .*; there are " \
  'pages/global_oom[stride=3m]'
refuses "memory that no kernel boots with" "--memory=24m: no supported kernel" \
  meta/pass --memory=24m
refuses "memory that is no size" "--memory=banana: not a size" \
  meta/pass --memory=banana
refuses "an unknown place" "'moon' is no place" meta/pass --on=moon
refuses "an option of guests on the host" "need --on=vm" \
  meta/pass --on=host --memory=512m

# Kernels ---------------------------------------------------------------------
image=$("$OOMGATE" kernel show --format=json |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["image"])')
mkdir "$WORK/images"
seq 10000 >"$WORK/images/text"
head -c 9000000 "$image" >"$WORK/images/truncated"
python3 - "$WORK/images" <<'PYTHON'
import struct
import sys

bz = bytearray(64 * 1024)  # promises 16 MiB
bz[0x1F1] = 4
struct.pack_into("<I", bz, 0x1F4, 1 << 20)
bz[0x202:0x206] = b"HdrS"
struct.pack_into("<H", bz, 0x206, 0x20F)
struct.pack_into("<H", bz, 0x236, 1)
open(sys.argv[1] + "/bzImage", "wb").write(bz)
arm = bytearray(64 * 1024)
arm[0x38:0x3C] = b"ARMd"
open(sys.argv[1] + "/Image", "wb").write(arm)
PYTHON
refuses "a kernel that is a text file" "text: neither a bzImage .* nor an ELF" \
  meta/pass --kernel="$WORK/images/text"
refuses "a truncated vmlinux" "truncated: " meta/pass --kernel="$WORK/images/truncated"
refuses "a truncated bzImage" "bzImage: truncated: " \
  meta/pass --kernel="$WORK/images/bzImage"
refuses "a kernel for arm64" "a kernel for arm64; guests are x86-64" \
  meta/pass --kernel="$WORK/images/Image"
refuses "a kernel that is not there" "images/none: no such file" \
  meta/pass --kernel="$WORK/images/none"
refuses "a kernel that is in no cache" "no kernel 1.2: neither a file nor in the cache" \
  meta/pass --kernel=1.2

# Nothing but the image: no modules for what a case needs. In a cache that has
# never seen them.
cp "$image" "$WORK/images/vmlinuz"
AS=(env XDG_CACHE_HOME="$WORK/bare_cache")
go bare_add kernel add "$WORK/images/vmlinuz"
go_run bare meta/pass 'overcommit/never_commit_limit[swap=64m]' \
  --kernel="$WORK/images/vmlinuz" --accel=tcg
AS=()
check "a kernel without the modules that a case needs: exit 2, and why" all \
  exits bare_add 0 AND exits bare 2 AND \
  grep -qE '^oomgate: .*(virtio|modules)' "$WORK/bare.err" AND \
  holds bare "verdicts['meta/pass'] == 'pass'" \
  "results['overcommit/never_commit_limit[swap=64m]']['verdict'] == 'broken'"

# Nothing is bad about this kernel, but it cannot come up.
go_run panics meta/pass meta/known --on=vm --append=rdinit=/none
check "a guest that panics at boot: exit 70, and its last words" all exits panics 70 AND \
  holds panics "set(verdicts.values()) == {'broken'}" \
  "all('panicked: not syncing: VFS' in r['reason'] for r in results.values())" \
  "all('Kernel panic' in r['console'] for r in results.values())"

# What this machine lacks -------------------------------------------------------
AS=(env PATH=/nonexistent)
refuses "no QEMU" "qemu-system-x86_64 is not in PATH: install it" \
  meta/pass --on=vm
AS=("${nobody[@]}" XDG_CACHE_HOME="$WORK/nocache")
# A build tree below a private folder is closed to others; this copy is not.
closed=$OOMGATE
if [[ $EUID -eq 0 ]]; then
  cmake --install build/release --prefix "$WORK/open" >/dev/null
  chmod -R a+rX "$WORK/open"
  OOMGATE=$WORK/open/bin/oomgate
fi
if "${AS[@]}" "$OOMGATE" version >"$WORK/version" 2>&1; then
  mkdir -m 777 "$WORK/anyones"
  mkdir -m 555 "$WORK/locked"
  go_run anyones meta/pass --on=cgroup
  check "a cgroup without root: exit 2, and what is possible" all \
    exits anyones 2 AND says anyones 'on cgroup: .*; possible without: --on=vm'
  go locked run meta/pass --on=host --results="$WORK/locked/runs"
  check "a results folder that cannot be written: exit 2, and why" all \
    exits locked 2 AND says locked 'cannot make a results folder in .*--results'
  go_run anyones madvise/dontneed_errors --on=host
  check "runs on the host need no root" exits anyones 0
else
  skipped "without root" "$(cat "$WORK/version")"
fi
OOMGATE=$closed

AS=(env XDG_CACHE_HOME=/proc/none)
go cache kernel add "$WORK/images/vmlinuz"
# shellcheck disable=SC2016  # for that shell
AS=(bash -c 'exec "$@" >/dev/full' --)
go_run stdout meta/pass --on=host --format=json
AS=()
check "a kernel cache that cannot be written: exit 2, and why" all \
  exits cache 2 AND says cache 'cannot make a folder in /proc/none/.*XDG_CACHE_HOME'
check "stdout that cannot be written: exit 2, and why; run.json is there" all \
  exits stdout 2 AND \
  grep -q '^oomgate: stdout cannot be written' "$WORK/stdout.err" AND \
  holds stdout "verdicts == {'meta/pass': 'pass'}"

# A disk that fills up in the middle, in a mount namespace of its own.
mkdir "$WORK/small"
if unshare -m mount -t tmpfs -o size=16k none "$WORK/small" 2>"$WORK/unshare"; then
  # shellcheck disable=SC2016  # for that shell
  AS=(unshare -m bash -c 'mount -t tmpfs -o size=16k none "$1" || exit 99
    code=0; "${@:2}" || code=$?; [[ -e $1.seen ]] || cp -r "$1" "$1.seen"
    exit $code' -- "$WORK/small")
  go full run 'fork/*' pages/read_no_rss meta/hang --on=host --results="$WORK/small"
  go full_guest run meta/pass --on=vm --results="$WORK/small"
  AS=()
  check "a full disk: exit 2, and why" all exits full 2 AND \
    says full 'cannot write .*No space left on device; free some space'
  check "a disk too full for a guest: exit 2, and why" all exits full_guest 2 AND \
    grep -qE '^oomgate: .*cannot write .*free some space' "$WORK/full_guest.err"
  check "a full disk: what was finished is there" holds small.seen \
    "run['results'] or '\"result\"' in open(sys.argv[1][:-8] + 'records.jsonl').read()"
else
  skipped "a full disk" "$(cat "$WORK/unshare")"
fi
