#!/bin/sh
# The guest's first process: mounts what programs expect, runs one set of checks, and switches the machine off.
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
ln -s /proc/self/fd/0 /dev/stdin
echo "kernel $(cat /proc/sys/kernel/osrelease), up after $(cat /proc/uptime) s"
stock-kernel "$WEIR_SET" </dev/null >/dev/ttyS1
echo "the checks ended with $?"
sleep 1
echo o >/proc/sysrq-trigger
sleep 10
