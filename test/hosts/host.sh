#!/bin/sh
# The half of a test host that has to run inside its namespaces, where no Node can be. Called by host.ts and requirements.ts only.
#   host.sh supervise IMAGE NAME DISK_MIB   claim a free slot and keep NAME booted there until told to end (SIGTERM)
#   host.sh exec GROUP PID COMMAND...       run a command inside the host whose pid 1 has this id out here
#   host.sh sweep                           clear what hosts that died without cleaning up left behind
#   host.sh probe                           say why this machine cannot boot a host; says nothing when it can
# The rest are steps of these. Slot N owns: the files $state/N.*, the control group $groups/N, the interface
# cshostN and the network 10.77.N.0/24. Whoever holds the lock owns the slot; the kernel lets go of it when the holder dies.
set -eu
umask 022
state=/run/countersign-hosts
kill_bound=200 # turns of 50 ms for processes to be gone after SIGKILL

fail() { echo "host.sh: $*" >&2; exit 1; }

control_groups() { # the folder for the hosts' control groups: one each, so that two systemds never meet in one
  while read -r _ _ _ _ point rest; do
    case $rest in *" - cgroup2 "*) groups=$point/countersign-hosts; return ;; esac
  done </proc/self/mountinfo
  fail "no cgroup2 file system is mounted"
}

clear_slot() { # SLOT; the caller holds its lock
  if [ -d "$groups/$1" ]; then
    echo 1 >"$groups/$1/cgroup.kill"
    turns=0
    until find "$groups/$1" -depth -type d -exec rmdir {} + 2>/dev/null; do
      turns=$((turns + 1))
      [ "$turns" -lt "$kill_bound" ] || fail "processes of slot $1 do not die"
      sleep 0.05
    done
  fi
  # The kernel takes the pair away some time after the host's last process; here it is gone when this returns.
  ip link del "cshost$1" 2>/dev/null || :
  rm -f "$state/$1.host" "$state/$1.host.new"
}

sweep() {
  for group in "$groups"/*/; do
    [ -d "$group" ] || continue
    slot=$(basename "$group")
    (if flock --nonblock 8; then clear_slot "$slot"; fi) 8>>"$state/$slot.lock"
  done
}

claim_slot() { # leaves the lock open as file 9 and the number in $slot
  slot=0
  while [ "$slot" -lt 250 ]; do
    slot=$((slot + 1))
    exec 9>>"$state/$slot.lock"
    flock --nonblock 9 || continue
    clear_slot "$slot"
    case $(ip -o -4 addr show) in *" 10.77.$slot."*) continue ;; esac
    return
  done
  fail "all 250 slots are taken"
}

make_disk() { # IMAGE NAME DISK_MIB; in the supervisor's own mount namespace, so that nobody else sees it and it outlives a reboot
  disk=$state/disk
  mkdir -p "$disk"
  mount -t tmpfs -o "size=$3m,mode=755" tmpfs "$disk"
  mkdir "$disk/upper" "$disk/work" "$disk/root"
  mount -t overlay -o "lowerdir=$1,upperdir=$disk/upper,workdir=$disk/work" overlay "$disk/root"
  echo "$2" >"$disk/root/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost ip6-localhost\n' "$2" >"$disk/root/etc/hosts"
  rm -f "$disk/root/etc/resolv.conf" # systemd-resolved's is a link into /run
  echo '# this host knows no name server' >"$disk/root/etc/resolv.conf"
  tr -d - </proc/sys/kernel/random/uuid >"$disk/root/etc/machine-id"
}

end_host() { # the supervisor was told to end, or whoever started it is gone
  trap '' TERM
  [ -z "$boot" ] || kill -KILL "$boot" 2>/dev/null || :
  [ -z "$claimed" ] || clear_slot "$slot"
  exit 0
}

supervise() { # IMAGE NAME DISK_MIB; tells what happens on stdout: "slot N GROUP", "boot PID" (each boot), "off STATUS"
  trap '' PIPE # who reads may have gone (cli.ts start)
  boot= claimed=
  trap end_host TERM
  sweep
  claim_slot
  claimed=yes
  mkdir "$groups/$slot"
  make_disk "$@"
  echo "slot $slot $groups/$slot"
  while :; do
    ip link del "cshost$slot" 2>/dev/null || :
    setpriv --pdeathsig KILL unshare --mount --pid --uts --ipc --net --fork --kill-child \
      sh "$0" join "$$" "$slot" "$groups/$slot" "$disk/root" "$2" 9>&- &
    boot=$!
    status=0
    wait "$boot" || status=$?
    # Inside a pid namespace reboot(2) ends pid 1 with SIGHUP for a restart and with SIGINT for power off.
    [ "$status" -eq 129 ] || break
  done
  boot=
  clear_slot "$slot"
  echo "off $status" || :
}

join() { # SUPERVISOR SLOT GROUP ROOT NAME; pid 1 of the new namespaces, /proc still being the machine's
  read -r pid _ </proc/self/stat
  echo 0 >"$3/cgroup.procs"
  exec unshare --cgroup sh "$0" boot "$pid" "$@"
}

gateway() { # SLOT; in the machine's network namespace, but in the host's pid namespace: 1 is the host's pid 1
  ip link add "cshost$1" type veth peer name eth0 netns 1
  ip addr add "10.77.$1.1/24" dev "cshost$1"
  ip link set "cshost$1" up
  echo 0 >"/proc/sys/net/ipv4/conf/cshost$1/forwarding" # nothing of a host leaves this machine
}

boot() { # PID SUPERVISOR SLOT GROUP ROOT NAME; pid 1, and its control group is the root of all it sees
  pid=$1 supervisor=$2 slot=$3 group=$4 root=$5 name=$6
  nsenter --target "$supervisor" --net sh "$0" gateway "$slot"
  printf '%s\n' 'link set lo up' "addr add 10.77.$slot.2/24 dev eth0" 'link set eth0 up' \
    "route add default via 10.77.$slot.1" | ip -batch -

  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  # Loop devices are the machine's own: whoever sets one up in a host takes it down again.
  for node in null zero full random urandom tty loop-control loop0 loop1 loop2 loop3 loop4 loop5 loop6 loop7; do
    [ -e "/dev/$node" ] || continue
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
  done
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  # Kernel settings other than the network's are the machine's as well, so a host may read them only.
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,ro "$root/proc/sys"
  [ ! -e "$root/proc/sysrq-trigger" ] || mount --bind /dev/null "$root/proc/sysrq-trigger"
  # The kernel's boot id is the machine's and stays; a boot of this host gets its own, laid over it, as systemd-nspawn does.
  cat /proc/sys/kernel/random/uuid >"$root/run/boot-id"
  mount --bind "$root/run/boot-id" "$root/proc/sys/kernel/random/boot_id"
  mount -o remount,bind,ro "$root/proc/sys/kernel/random/boot_id"
  rm "$root/run/boot-id"

  printf '%s\n' "$name" "$supervisor" "$pid" "$group" >"$state/$slot.host.new"
  mv "$state/$slot.host.new" "$state/$slot.host"
  echo "boot $pid" || :
  cd "$root"
  mkdir -p .old
  pivot_root . .old
  umount -l /.old
  rmdir /.old
  exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd </dev/null >/dev/null 2>&1
}

probe() {
  [ ! -e "$groups/cgroup.procs" ] || [ -e "$groups/cgroup.kill" ] || fail "the kernel is older than 5.14 (no cgroup.kill)"
  exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child sh "$0" probe_inside
}

probe_inside() {
  mount -t tmpfs tmpfs "$state"
  mkdir "$state/lower" "$state/upper" "$state/work" "$state/root"
  mount -t overlay -o "lowerdir=$state/lower,upperdir=$state/upper,workdir=$state/work" overlay "$state/root"
  mount -t proc proc "$state/root"
  ip link add eth0 type veth peer name eth1
}

mkdir -p -m 700 "$state"
control_groups
mkdir -p "$groups"
verb=$1
shift
case $verb in
  exec)
    echo 0 >"$1/init.scope/cgroup.procs" # beside pid 1, so that what it starts is a process of the host in every respect
    pid=$2
    shift 2
    # A shell does the fork into the pid namespace: nsenter's own stops for ever when the host's shutdown stops its child.
    exec nsenter --target "$pid" --all --no-fork -- sh -c '"$@"; exit $?' sh "$@"
    ;;
  supervise | sweep | probe | join | gateway | boot | probe_inside) "$verb" "$@" ;;
  *) fail "no such verb: $verb" ;;
esac
