#!/bin/sh
# Start a sentinel with what it has learned before, or else with the first master.
set -eu
if [ ! -f /data/sentinel.conf ]; then
    cat >/data/sentinel.conf <<EOF
port 26379
protected-mode no
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $HOSTNAME.valkey-nodes
sentinel monitor shop-api valkey-0.valkey-nodes 6379 2
sentinel down-after-milliseconds shop-api 3000
sentinel failover-timeout shop-api 10000
EOF
fi
exec valkey-sentinel /data/sentinel.conf
