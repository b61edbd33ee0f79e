# shellcheck shell=bash
# Where the instructions of a cost went: by function, and the same each time.

cost='cost/fault[kind=write]'
go_run named "$cost" --clock=instructions --profile-functions
# All of it is one function then, but as many instructions.
echo 'ffffffff81000000 T _stext' >"$WORK/System.map"
go_run unnamed "$cost" --clock=instructions \
  --profile-functions="$WORK/System.map"
counted() {
  python3 - "$WORK/named" "$WORK/unnamed" <<'PY'
import glob, json, sys
def load(name, folder):
    return json.loads(open(glob.glob(f"{folder}/*/{name}")[0]).readline())
named, unnamed = (load("functions.jsonl", folder) for folder in sys.argv[1:])
assert named["scope"] == "deed", named["scope"]
one, other = (sum(p["functions"].values()) for p in (named, unnamed))
assert one == other, (one, other)
result = json.load(open(glob.glob(f"{sys.argv[1]}/*/run.json")[0]))["results"][0]
rounds = result["values"]["rounds"] - 1  # the warm-up does not count
faults = rounds * 4096
assert named["functions"]["handle_mm_fault"] > 10 * faults, named["functions"]
round_ = result["metrics"]["instructions"]
assert 0.95 < one / (rounds * round_) < 1.05, (one, round_, rounds)
PY
}
check "instructions are counted by function, all of them, every time" all \
  exits named 0 AND exits unnamed 0 AND counted

go same functions "$WORK"/named/* "$WORK"/named/*
check "functions says that none differs" all exits same 0 AND \
  grep -q 'no function differs: [1-9]' "$WORK/same.out"
go differ functions "$WORK"/unnamed/* "$WORK"/named/* "$cost" --top=3
check "functions says which differ most" all exits differ 0 AND \
  grep -qE '^  \[no symbol\] +[0-9]+ +0 +-[0-9]+ +gone$' "$WORK/differ.out" AND \
  grep -qE '^  [0-9]+ more that differ ' "$WORK/differ.out"

go_run no_clock "$cost" --profile-functions
check "there is nothing to count by the wall's clock" all \
  exits no_clock 2 AND says no_clock 'add --clock=instructions'
go_run no_map "$cost" --clock=instructions --profile-functions=/etc/hostname
check "a file without functions is refused" all \
  exits no_map 2 AND says no_map 'neither a vmlinux nor a System.map'
