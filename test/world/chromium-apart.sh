#!/bin/sh
# Chromium in a network of its own. Whenever an interface of the machine comes or goes, as those of test hosts do, Chromium fails
# the requests that are about to connect (net::ERR_NETWORK_CHANGED), on loopback too. Its connections leave by a socket file.
# usage: chromium-apart.sh ARGUMENT…; in the environment APART_CHROMIUM, APART_NODE, APART_FORWARD and APART_EXIT, the socket file
exec unshare --net sh -eu -c '
  ip link set lo up
  # An address that is there all the time, and no second one that comes by itself: without any, pages are told that they are offline.
  ip link add here type veth peer name there
  ip link set here addrgenmode none up
  ip link set there addrgenmode none up
  ip addr add 10.0.0.1/24 dev here
  "$APART_NODE" "$APART_FORWARD" "$APART_EXIT" </dev/null >/dev/null 2>&1 3>&- 4>&- &
  exec "$APART_CHROMIUM" "$@"
' sh "$@"
