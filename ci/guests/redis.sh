# SPDX-License-Identifier: Apache-2.0
# In a guest: what `validate --profile redis` says, against a real BGSAVE of a
# real redis-server with 400 MB of data.
export OOMGATE_LIBEXEC=/bin
failed=0
vm=/proc/sys/vm
mkdir -p /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
# SET-UP VALIDATE'S-EXIT BGSAVE'S-ANSWER
against() {
  code=0
  oomgate validate --profile redis >/tmp/said || code=$?
  redis-server --save '' --dir /tmp --port 7000 --bind 127.0.0.1 \
    --enable-debug-command local --daemonize no >/tmp/redis.log 2>&1 &
  pid=$!
  until redis-cli -p 7000 ping 2>/dev/null | grep -q PONG; do usleep 100000; done
  redis-cli -p 7000 debug populate 400 key 1000000 >/dev/null
  answer=$(redis-cli -p 7000 bgsave 2>&1)
  kill -KILL $pid
  wait $pid 2>/dev/null
  rm -f /tmp/*.rdb
  case "$code,$answer" in
    $2,*"$3"*) echo "ok: $1: validate exits $code, BGSAVE: $answer" ;;
    *)
      echo "FAILED: $1: validate exits $code, BGSAVE: $answer"
      cat /tmp/said
      tail -n 5 /tmp/redis.log
      failed=$((failed + 1))
      ;;
  esac
}
echo 2 >$vm/overcommit_memory
against "mode 2" 1 ERR
grep -m 1 "fork: Cannot allocate memory" /tmp/redis.log || failed=$((failed + 1))
echo 1 >$vm/overcommit_memory
against "mode 1" 0 "Background saving started"
echo 300 >$vm/overcommit_ratio
echo 2 >$vm/overcommit_memory
against "mode 2, ratio 300" 0 "Background saving started"
echo "$failed failed"
[ "$failed" -eq 0 ]
