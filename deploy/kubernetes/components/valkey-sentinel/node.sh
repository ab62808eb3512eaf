#!/bin/sh
# Start as a replica of the master that the sentinels name; when none answers, of the one that the
# sentinel beside us knew last; and when that knows none, valkey-0 is the first master.
set -eu
me="$HOSTNAME.valkey-nodes"
master=$(timeout 5 valkey-cli -h valkey-sentinel -p 26379 --raw \
    sentinel get-master-addr-by-name shop-api 2>/dev/null | head -n 1) || master=""
if [ -z "$master" ] && [ -f /data/sentinel.conf ]; then
    master=$(sed -n 's/^sentinel monitor shop-api "\{0,1\}\([^ "]*\).*/\1/p' /data/sentinel.conf)
fi
master=${master:-valkey-0.valkey-nodes}
set -- --dir /data --appendonly yes --appendfsync always \
    --protected-mode no --replica-announce-ip "$me"
[ "$master" = "$me" ] || set -- "$@" --replicaof "$master" 6379
exec valkey-server "$@"
