#!/bin/sh
# Makes a join token for each cluster of deploy/example, and a token for Prometheus, below $INTO. What is there is kept.
set -eu
umask 077
for cluster in lab paris oregon; do
  [ ! -e "$INTO/$cluster" ] || continue
  $SWELL cluster token "$cluster" --pre-approved --ttl 24h --token-file "$ADMIN_TOKEN" > "$INTO/.$cluster"
  mv "$INTO/.$cluster" "$INTO/$cluster"
done
if [ ! -e "$INTO/prometheus" ]; then
  $SWELL token create prometheus --role viewer --ttl 8760h --token-file "$ADMIN_TOKEN" > "$INTO/.prometheus"
  mv "$INTO/.prometheus" "$INTO/prometheus"
fi
