#!/bin/sh
# Make a self-signed certificate where none lies yet; a pair of your own in its place is left alone.
# haproxy reads tls.crt and finds the key beside it, as tls.crt.key.
set -eu

folder=${CERTIFICATES:-/etc/nginx/certs}
names=${PROXY_NAMES:-DNS:localhost,IP:127.0.0.1}
owner=${PROXY_USER:-10001}

if [ ! -s "$folder/tls.crt" ] || [ ! -s "$folder/tls.key" ]; then
  umask 077
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 365 \
    -subj "/CN=shop-api" -addext "subjectAltName=$names" \
    -addext "basicConstraints=critical,CA:FALSE" -addext "extendedKeyUsage=serverAuth" \
    -keyout "$folder/tls.key.new" -out "$folder/tls.crt.new" 2>/dev/null
  mv "$folder/tls.key.new" "$folder/tls.key"
  mv "$folder/tls.crt.new" "$folder/tls.crt"
  chmod 0644 "$folder/tls.crt"
  echo "A self-signed certificate for $names is in $folder."
fi
ln -sf tls.key "$folder/tls.crt.key"
if [ "$(id -u)" = 0 ]; then
  chown "$owner" "$folder/tls.crt" "$folder/tls.key"
fi
