# shellcheck shell=bash
# Saved guests: made once, restored after that, never trusted when they are
# damaged or were cut off, and without them a guest is booted.

# A cache of its own, with the kernels of the other.
SAVED=$WORK/cache/oomgate/templates
mkdir -p "$WORK/cache/oomgate"
for kept in "${XDG_CACHE_HOME:-$HOME/.cache}"/oomgate/{kernels,kvm.json}; do
  [[ ! -e $kept ]] || ln -s "$kept" "$WORK/cache/oomgate/"
done
AS=(env XDG_CACHE_HOME="$WORK/cache")

tells() { grep -q -- "$2" "$WORK/$1.err"; }
count() { [[ $(find "$SAVED" -mindepth 1 -maxdepth 1 | wc -l) == "$1" ]]; }

go_run first meta/pass --on=vm
check "a guest is booted once, to keep it" all exits first 0 AND \
  tells first "to keep it" AND count 1
go_run again meta/pass --on=vm
check "then it is restored" all exits again 0 AND not tells again booting

ram=$(find "$SAVED" -name ram0)
printf x | dd of="$ram" bs=1 seek=50000000 conv=notrunc status=none
go_run damaged meta/pass --on=vm
check "a damaged one is made anew" all exits damaged 0 AND \
  tells damaged "to keep it" AND count 1

rm -rf "$SAVED"
"${AS[@]}" "$OOMGATE" run meta/pass --on=vm --results="$WORK/cut" \
  >"$WORK/cut.out" 2>"$WORK/cut.err" &
cut=$!
for ((i = 0; i < 1000; i++)); do
  compgen -G "$SAVED/.new-*/ram0" >/dev/null && break
  sleep 0.01
done
kill -KILL "$cut"
wait "$cut" 2>/dev/null || true
check "one that is cut off has another name" compgen -G "$SAVED/.new-*"
go_run after meta/pass --on=vm
check "it is swept, and made anew" all exits after 0 AND \
  tells after "to keep it" AND count 1

go cache_show cache show
check "what they take is shown" grep -q "1 saved guests, [1-9]" "$WORK/cache_show.out"
go cache_clean cache clean
check "and given back" all exits cache_clean 0 AND count 0

go_run cold meta/pass --on=vm --cold
check "a guest can be booted all the same" all exits cold 0 AND \
  tells cold "booting" AND not tells cold "to keep it" AND count 0

if mount -t tmpfs -o size=20m tmpfs "$SAVED" 2>/dev/null; then
  go_run full meta/pass --on=vm
  check "a full disk is said, and guests are booted" all exits full 0 AND \
    tells full "each instance is booted" AND count 0
  umount "$SAVED"
else
  skipped "a full disk" "no tmpfs can be mounted here"
fi
AS=()
