#!/bin/sh
# Boots this system a second time, in namespaces: its own init, network and processes, the same files.
# What is written is kept in memory and vanishes with it. Needs root.
#   boot.sh FOLDER SHARED   FOLDER: an empty one to mount in; SHARED: seen inside as /mnt
set -eu

if [ "${3-}" != inside ]; then
    # Control groups of its own: whoever calls is told where, and removes them.
    for top in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
        if [ -e "$top/cgroup.procs" ]; then
            mkdir "$top/weir-install-$$"
            echo $$ > "$top/weir-install-$$/cgroup.procs"
            echo "$top/weir-install-$$" >> "$1.cgroups"
        fi
    done
    exec unshare --fork --kill-child=KILL --mount --pid --net --ipc --uts --cgroup --propagation private \
        sh "$0" "$1" "$2" inside
fi

root="$1/root"
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$root"

mount -t proc proc "$root/proc"
# Kernel settings that are not the network's belong to the host.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
if [ -e /sys/fs/cgroup/cgroup.procs ]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/unified" "$root/sys/fs/cgroup/systemd"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
    mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
fi
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
chmod 1777 "$root/tmp"
mount -t tmpfs tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -p "$root/mnt"
mount --bind "$2" "$root/mnt"

# Only what is installed in here starts; nothing of the host's set-up does, and nothing keeps packages from starting it.
rm -f "$root/usr/sbin/policy-rc.d" "$root/etc/fstab"
rm -rf "$root"/etc/systemd/system/*.wants "$root"/usr/lib/systemd/system/*.wants
mkdir -p "$root/etc/systemd/system" "$root/etc/systemd/journald.conf.d"
printf '[Unit]\nDescription=A machine to install on\nWants=systemd-journald.service\n' > "$root/etc/systemd/system/machine.target"
printf '[Journal]\nStorage=volatile\nReadKMsg=no\n' > "$root/etc/systemd/journald.conf.d/machine.conf"

ip link set lo up
ip link add lan0 type veth peer name host0
ip link add wan0 type veth peer name net0
for port in lan0 host0 wan0 net0; do ip link set "$port" up; done

exec chroot "$root" env -i container=weir PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --unit=machine.target --log-target=journal --show-status=no
