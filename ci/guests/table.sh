# SPDX-License-Identifier: Apache-2.0
# In a guest: set-ups, right and wrong, and what each profile must say of them.
# A line is  NAME PROFILE EXIT [CHECK=STATE]…  for the set-up made before it.
export OOMGATE_LIBEXEC=/bin
CGROUP=${CGROUP:-2}
failed=0
lines=0
vm=/proc/sys/vm
clock=/sys/devices/system/clocksource/clocksource0/current_clocksource
thp=/sys/kernel/mm/transparent_hugepage/enabled
mkdir -p /sys/fs/cgroup
if [ "$CGROUP" = 2 ]; then
  mount -t cgroup2 none /sys/fs/cgroup || exit 1
  echo +memory >/sys/fs/cgroup/cgroup.subtree_control
else
  mount -t cgroup -o memory none /sys/fs/cgroup || exit 1
fi

# A host as a distribution leaves it.
plain() {
  swapoff -a 2>/dev/null
  echo 50 >$vm/overcommit_ratio
  echo 0 >$vm/overcommit_memory
  echo 65530 >$vm/max_map_count
  echo 0 >$vm/panic_on_oom
  echo 60 >$vm/swappiness
  echo madvise >$thp
  echo 0 >/proc/sys/kernel/panic
  echo 0 >/proc/sys/kernel/panic_on_oops
  echo 200 >/proc/sys/kernel/keys/root_maxkeys
  echo 20000 >/proc/sys/kernel/keys/root_maxbytes
  ulimit -v unlimited
}
kubelet() {
  plain
  echo 1 >$vm/overcommit_memory
  echo 10 >/proc/sys/kernel/panic
  echo 1 >/proc/sys/kernel/panic_on_oops
  echo 1000000 >/proc/sys/kernel/keys/root_maxkeys
  echo 25000000 >/proc/sys/kernel/keys/root_maxbytes
}
says() {
  name=$1 profile=$2 wanted=$3
  shift 3
  code=0
  oomgate validate --profile "$profile" >/tmp/said 2>&1 || code=$?
  wrong=
  [ "$code" = "$wanted" ] || wrong="exit $code instead of $wanted"
  for check in "$@"; do
    grep -qF "[${check%=*}]...${check##*=}" /tmp/said || wrong="$wrong; not $check"
  done
  lines=$((lines + 1))
  if [ -z "$wrong" ]; then
    echo "ok: $name, $profile: exit $code $*"
  else
    echo "FAILED: $name, $profile: $wrong"
    sed 's/^/    /' /tmp/said
    failed=$((failed + 1))
  fi
}

part_modes() {
  plain
  says "mode 0" generic 0 "large mapping=OK" "fork of a large process=OK"
  says "mode 0" redis 0 "fork of a large process=OK" "overcommit mode=WARNING"
  says "mode 0" postgresql 1 "overcommit mode=FAIL"
  says "mode 0" jvm 0 "heap reserved=OK" "heap committed=OK"
  echo 1 >$vm/overcommit_memory
  says "mode 1" redis 0 "fork of a large process=OK" "overcommit mode=OK"
  says "mode 1" postgresql 1 "overcommit mode=FAIL"
  says "mode 1" generic 0 "large mapping=OK"
  echo 2 >$vm/overcommit_memory
  says "mode 2" redis 1 "fork of a large process=FAIL" "overcommit mode=WARNING"
  says "mode 2" generic 0 "fork of a large process=WARNING"
  echo 20 >$vm/overcommit_ratio
  says "mode 2, ratio 20" jvm 1 "heap committed=FAIL" "heap reserved=OK"
  says "mode 2, ratio 20" postgresql 1 "overcommit mode=OK" \
    "room for shared buffers and backends=FAIL"
  echo 300 >$vm/overcommit_ratio
  says "mode 2, ratio 300" postgresql 0 "overcommit mode=OK" \
    "room for shared buffers and backends=OK"
  says "mode 2, ratio 300" redis 0 "fork of a large process=OK"
}
part_pages() {
  plain
  echo 1 >$vm/overcommit_memory
  echo always >$thp
  says "THP always" redis 1 "transparent huge pages=FAIL"
  says "THP always" mongodb 1 "transparent huge pages=OK" "128000 mappings=FAIL"
  says "THP always" jvm 0 "transparent huge pages=OK"
  echo never >$thp
  says "THP never" redis 0 "transparent huge pages=OK"
  says "THP never" mongodb 1 "transparent huge pages=WARNING"
  says "THP never" jvm 0 "transparent huge pages=WARNING"
}
part_maps() {
  plain
  says "65530 mappings" elasticsearch 1 "262144 mappings=FAIL" \
    "1048576 mappings=WARNING" "recommended mappings=WARNING"
  echo 262144 >$vm/max_map_count
  says "262144 mappings" elasticsearch 0 "262144 mappings=OK" \
    "recommended mappings=WARNING"
  echo 1 >$vm/overcommit_memory
  says "262144 mappings" mongodb 0 "128000 mappings=OK"
  echo 1048576 >$vm/max_map_count
  echo 1 >$vm/swappiness
  says "1048576 mappings" elasticsearch 0 "262144 mappings=OK" \
    "recommended mappings=OK" "swappiness=OK"
}
part_nodes() {
  kubelet
  state=OK
  [ "$CGROUP" = 2 ] || state=SKIPPED
  says "as the kubelet sets it" kubernetes-node 0 "mappings larger than RAM=OK" \
    "no swap=OK" "cgroup v2 with memory=$state" "pressure is told=OK"
  echo 0 >$vm/overcommit_memory
  says "kubelet, but mode 0" kubernetes-node 1 "mappings larger than RAM=FAIL" \
    "overcommit mode=FAIL"
  kubelet
  echo 1 >$vm/panic_on_oom
  says "kubelet, but panic_on_oom 1" kubernetes-node 1 \
    "no panic when memory is full=FAIL"
  echo 2 >$vm/panic_on_oom
  says "panic_on_oom 2" redis 0 "copies of a snapshot=SKIPPED"
  says "panic_on_oom 2" generic 0 "no panic when memory is full=WARNING"
  kubelet
  echo 64M >/sys/block/zram0/disksize
  mkswap /dev/zram0 >/dev/null
  swapon /dev/zram0
  says "kubelet, but swap" kubernetes-node 1 "no swap=FAIL" \
    "a pod that may not swap=$state"
  swapoff /dev/zram0
  (
    ulimit -v 600000
    says "an address space of 600 MB" jvm 0 "heap reserved=SKIPPED"
    exit $failed
  )
  failed=$?
}

part_limits() {
  plain
  echo 1 >$vm/overcommit_memory
  (
    ulimit -l 1024
    says "locked memory of 1 MiB" elasticsearch 1 "heap locked=WARNING"
    ulimit -l 65536
    says "locked memory of 64 MiB" elasticsearch 1 "heap locked=OK"
    exit $failed
  )
  failed=$?
  echo acpi_pm >$clock
  says "a clock that the kernel reads" redis 0 "time without system calls=WARNING"
  echo tsc >$clock
  says "a clock that programs read" redis 0 "time without system calls=OK"
}
# Booted without accounting of swap, and without PSI.
part_bare() {
  kubelet
  says "no swap accounting, no PSI" kubernetes-node 0 \
    "a pod that may not swap=WARNING" "pressure is told=WARNING"
}

for part in ${PARTS:-modes pages maps nodes limits}; do "part_$part"; done
echo "$failed failed"
[ "$failed" -eq 0 ]
