# SPDX-License-Identifier: Apache-2.0
# In a guest: what `oomgate ask fork` says of a process, against its real fork,
# on both sides of each mode's threshold.
failed=0
mkfifo /tmp/go
total=$(($(awk '/MemTotal|SwapTotal/ {sum += $2} END {print sum}' /proc/meminfo) * 1024))
# KIND SIZE EXPECTED: what the kernel does is asked, not assumed. In the cgroup
# GROUP, where that is set, with LEFT bytes left there once it has mapped, and
# TOUCH for page tables.
probe() {
  {
    [ -z "$GROUP" ] || echo 0 >$GROUP/cgroup.procs
    exec fork_probe "$2" $TOUCH
  } </tmp/go >/tmp/did &
  pid=$!
  exec 3>/tmp/go
  until [ -s /tmp/did ] || ! kill -0 $pid 2>/dev/null; do usleep 20000; done
  [ -z "$LEFT" ] || echo $(($(cat $GROUP/memory.current) + LEFT)) >$GROUP/memory.max
  ask=0
  oomgate ask fork --pid $pid --format=json >/tmp/asked || ask=$?
  echo go >&3
  exec 3>&-
  wait $pid
  did=$(tail -n 1 /tmp/did)
  said=$(sed -n 's/.*"verdict": "\(.*\)".*/\1/p' /tmp/asked)
  case $said,$did,$3 in
    yes,forked,forked | no,refused,refused | depends,mapped,killed) echo "ok: $1: said $said, $did" ;;
    *)
      echo "FAILED: $1: said $said, $did, expected $3"
      cat /tmp/asked
      failed=$((failed + 1))
      ;;
  esac
  : >/tmp/did
}
set_mode() { echo "$1" >/proc/sys/vm/overcommit_memory; }
set_mode 0
probe "mode 0, RAM + swap less 1 MiB" $((total - 1048576)) forked
probe "mode 0, RAM + swap and 1 MiB" $((total + 1048576)) refused
set_mode 1
probe "mode 1, three times RAM" $((3 * total)) forked
probe "mode 1, half of RAM" $((total / 2)) forked
set_mode 2
echo 300 >/proc/sys/vm/overcommit_ratio
# What is left, less what the program itself has.
room() { awk '/CommitLimit/ {l = $2} /Committed_AS/ {c = $2} END {print (l - c) * 1024}' /proc/meminfo; }
# Twice the size is charged; 1/32 of it is kept, the user's reserve at most.
at() {
  kept=$(($(cat /proc/sys/vm/user_reserve_kbytes) * 1024))
  size=$(($(room) * 32 / 65))
  [ $((size / 32)) -le $kept ] || size=$((($(room) - kept) / 2))
  echo $size
}
probe "mode 2, 2 MiB below the threshold" $(($(at) - 2097152)) forked
probe "mode 2, 2 MiB above the threshold" $(($(at) + 2097152)) refused
echo 50 >/proc/sys/vm/overcommit_ratio
probe "mode 2, a tenth of what is left" $(($(room) / 10)) forked
probe "mode 2, three quarters of what is left" $(($(room) / 4 * 3)) refused
# Its cgroups refuse for reasons of their own.
set_mode 1
echo never >/sys/kernel/mm/transparent_hugepage/enabled
mkdir -p /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit 1
echo +memory +pids >/sys/fs/cgroup/cgroup.subtree_control
GROUP=/sys/fs/cgroup/some
mkdir $GROUP
echo 2 >$GROUP/pids.max
probe "one more process allowed" 1048576 forked
echo 1 >$GROUP/pids.max
probe "no more processes allowed" 1048576 refused
echo max >$GROUP/pids.max
# 1024 page tables: 4 MiB.
TOUCH=touch
LEFT=6291456
probe "a cgroup with 6 MiB for 4 MiB of page tables" 2147483648 forked
echo max >$GROUP/memory.max
LEFT=2097152
probe "a cgroup with 2 MiB for 4 MiB of page tables" 2147483648 killed
echo "$failed failed"
[ "$failed" -eq 0 ]
