# SPDX-License-Identifier: Apache-2.0
# In a guest: validate without root, with a group of cgroup v2 that is delegated
# to its user and without, and what is left of it afterwards.
export OOMGATE_LIBEXEC=/bin
failed=0
top=/sys/fs/cgroup
user=65534
mkdir -p $top && mount -t cgroup2 none $top || exit 1
echo +memory >$top/cgroup.subtree_control
chmod 1777 /tmp

# A group as systemd delegates it, with the memory controller or without.
delegate() {
  mkdir -p "$1"
  chown $user "$1" "$1/cgroup.procs" "$1/cgroup.threads" "$1/cgroup.subtree_control"
}
# GROUP WORDS…: as the user, in that group.
as_user() {
  group=$1
  shift
  sh -c 'echo $$ >'"$group"'/cgroup.procs
    exec run-as --reuid='$user' --regid='$user' --clear-groups "$@"' sh "$@"
}
# What is below a group, and what it passes on.
state() {
  find "$1" -type d | sort
  cat "$1/cgroup.subtree_control"
}
# NAME GROUP PATTERN
says() {
  state "$2" >/tmp/before
  as_user "$2" oomgate validate --profile redis >/tmp/said 2>&1
  state "$2" >/tmp/after
  if ! grep -qE "$3" /tmp/said; then
    echo "FAILED: $1: no $3"
    sed 's/^/    /' /tmp/said
    failed=$((failed + 1))
  elif ! cmp -s /tmp/before /tmp/after; then
    echo "FAILED: $1: not as before"
    diff /tmp/before /tmp/after
    failed=$((failed + 1))
  else
    echo "ok: $1: $(grep -E "$3" /tmp/said)"
  fi
}
boxed='^\[copies of a snapshot\]\.\.\.OK'
skipped='^\[copies of a snapshot\]\.\.\.SKIPPED\(not root.*systemd-run --user --scope -p Delegate=yes'

mkdir $top/plain
says "nothing delegated" $top/plain "$skipped"
delegate $top/own
says "a group of its own" $top/own "$boxed"
as_user $top/own sleep 1000 &
sleeper=$!
until grep -q . $top/own/cgroup.procs; do usleep 10000; done
says "a group of its own, but somebody else in it" $top/own "$skipped"
kill $sleeper
wait $sleeper
delegate $top/shared
echo +memory >$top/shared/cgroup.subtree_control
delegate $top/shared/in
as_user $top/shared/in sleep 1000 &
sleeper=$!
until grep -q . $top/shared/in/cgroup.procs; do usleep 10000; done
says "the group above passes memory on" $top/shared/in "$boxed"
kill $sleeper
wait $sleeper
mkdir $top/without
delegate $top/without/memory
says "delegated without memory" $top/without/memory "$skipped"

# A systemd of the user. From a group where others are, too, it is asked for a
# scope; there is no systemd above it that would move processes into its tree.
mkdir -p /run/systemd/system /run/user/$user
chown $user /run/user/$user
export XDG_RUNTIME_DIR=/run/user/$user
cat >/bin/systemd-run <<'TEXT'
#!/bin/sh
echo "$*" >>/tmp/asked
exec systemd-run.real "$@"
TEXT
chmod +x /bin/systemd-run
delegate $top/managed
delegate $top/managed/session
as_user $top/managed /lib/systemd/systemd --user &
until [ -S $XDG_RUNTIME_DIR/systemd/private ] || ! kill -0 $!; do usleep 50000; done
as_user $top/managed/session sleep 1000 &
until grep -q . $top/managed/session/cgroup.procs; do usleep 10000; done
says "a scope of the user's systemd" $top/managed/session "$boxed"
if find $top/managed -name 'oomgate*' | grep . ||
  ! grep -q -- '--user --scope .*-p Delegate=yes -- /bin/oomgate validate' /tmp/asked; then
  echo "FAILED: what the user's systemd was asked for, and what is left"
  cat /tmp/asked
  failed=$((failed + 1))
fi

# Killed in the middle: the guardian leaves the group as it was.
state $top/own >/tmp/before
for after in 200000 700000 1500000 3000000; do
  as_user $top/own oomgate validate --profile redis >/dev/null 2>&1 &
  killed=$!
  usleep $after
  kill -KILL $killed 2>/dev/null
  wait $killed
  for _ in $(seq 100); do
    state $top/own >/tmp/after
    cmp -s /tmp/before /tmp/after && ! grep -q . $top/own/cgroup.procs && break
    usleep 100000
  done
  if cmp -s /tmp/before /tmp/after; then
    echo "ok: killed after $after us, the group is as it was"
  else
    echo "FAILED: killed after $after us"
    diff /tmp/before /tmp/after
    failed=$((failed + 1))
  fi
done
echo "$failed failed"
[ "$failed" -eq 0 ]
