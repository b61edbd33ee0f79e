# SPDX-License-Identifier: Apache-2.0
# In a guest: what `validate --profile postgresql` says of a running server,
# against what a query does that fills the server's cgroup.
export OOMGATE_LIBEXEC=/bin
failed=0
vm=/proc/sys/vm
home=$(dirname "$(dirname "$(find /usr -name postgres -type f)")")
echo postgres:x:70:70::/tmp:/bin/sh >>/etc/passwd
echo postgres:x:70: >>/etc/group
cp -R /data /tmp/data
chown -R 70:70 /tmp/data
chmod -R go= /tmp/data
mkdir -p /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
group=/sys/fs/cgroup/server
mkdir $group
echo 160M >$group/memory.max
echo 300 >$vm/overcommit_ratio
echo 2 >$vm/overcommit_memory

say() {
  if [ "$2" = "$3" ]; then
    echo "ok: $1: $2"
  else
    echo "FAILED: $1: $2 instead of $3"
    tail -n 5 /tmp/log /tmp/said
    failed=$((failed + 1))
  fi
}
kills() { sed -n 's/^oom_kill //p' $group/memory.events; }
sql() { "$home/bin/psql" -h /tmp -U postgres -d postgres -Atc "$1" 2>&1; }
# Waits for the server; without one there is nothing to see.
answers() {
  tries=0
  until [ "$(sql 'select 1')" = 1 ]; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ]; then
      echo "FAILED: the server does not answer"
      sql 'select 1'
      cat /tmp/log
      exit 1
    fi
    usleep 200000
  done
}
# ADJ WORDS…: a postmaster with that oom_score_adj and environment.
start() {
  adj=$1
  shift
  sh -c 'echo $$ >'$group'/cgroup.procs; echo '"$adj"' >/proc/self/oom_score_adj
    exec env "$@" start-stop-daemon -S -c postgres:postgres \
      -x '"$home"'/bin/postgres -- -D /tmp/data -k /tmp -c shared_buffers=16MB \
      -c jit=off -c listen_addresses=' sh "$@" >/tmp/log 2>&1 &
  postmaster=$!
  answers
}
state() { sed -n "s/^\[$1\]\.\.\.\([A-Z]*\).*/\1/p" /tmp/said; }
fill="select count(x) from (select array_agg(g::text) x from generate_series(1, 9000000) g) s"

# As the documentation has it.
start -1000 PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj PG_OOM_ADJUST_VALUE=0
code=0
oomgate validate --profile postgresql >/tmp/said || code=$?
say "right: validate exits" $code 0
say "right: postmaster is exempt" "$(state 'postmaster is exempt')" OK
say "right: backends can be killed" "$(state 'backends can be killed')" OK
before=$(kills)
sql "$fill" >/tmp/answer
say "right: kills by the query" $(($(kills) - before)) 1
say "right: the client is told" "$(grep -c 'server closed the connection\|terminat' /tmp/answer | sed 's/[1-9].*/yes/')" yes
answers
say "right: the postmaster lives, the server answers" \
  "$(head -n 1 /tmp/data/postmaster.pid)" $postmaster
kill -KILL $postmaster
wait $postmaster 2>/dev/null
usleep 500000
echo 1 >$group/cgroup.kill
usleep 500000
rm -f /tmp/data/postmaster.pid

# Backends that keep the postmaster's exemption: nobody can be killed.
start -1000
code=0
oomgate validate --profile postgresql >/tmp/said || code=$?
say "children exempt: validate exits" $code 1
say "children exempt: backends can be killed" "$(state 'backends can be killed')" FAIL
before=$(kills)
sql "$fill" >/tmp/answer &
client=$!
sleep 15
say "children exempt: kills by the query" $(($(kills) - before)) 0
say "children exempt: the query hangs" "$(kill -0 $client 2>/dev/null && echo yes)" yes
echo 1 >$group/cgroup.kill
wait $client 2>/dev/null
rm -f /tmp/data/postmaster.pid

# A server that nobody protects.
start 0
oomgate validate --profile postgresql >/tmp/said
say "unprotected: postmaster is exempt" "$(state 'postmaster is exempt')" FAIL
echo "$failed failed"
[ "$failed" -eq 0 ]
