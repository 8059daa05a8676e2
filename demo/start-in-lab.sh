#!/bin/bash
# Runs in the lab host: starts penstockd and penstock-agent as an operator would.  $1: the build folder's programs,
# $2: the configuration's folder, $3: the URL at which clients outside reach penstockd, $4: where openrc goes.
set -euo pipefail
bin=$1 etc=$2 url=$3 out=$4
config=(--config-file "$etc/nova.conf" --config-file "$etc/ml2_conf.ini" --config-file "$etc/penstock.conf")
mkdir -p /var/lib /var/log/penstock /usr/local/bin
# What runs and what is logged lies in the host's own memory: a write to the shared folder can hang for good.
cp "$bin"/penstock* /usr/local/bin/
bin=/usr/local/bin
"$bin/penstock" bootstrap "${config[@]}" --url "$url" --output "$out"
"$bin/penstock" agent-token "${config[@]}" > /run/penstock-agent.token
for daemon in penstockd penstock-agent; do
	cat > "/run/start-$daemon" <<EOF
#!/bin/bash
exec "$bin/$daemon" ${config[*]} \$([ $daemon = penstockd ] || echo --token-file /run/penstock-agent.token) >> /var/log/penstock/$daemon.log 2>&1 < /dev/null
EOF
	chmod +x "/run/start-$daemon"
done
setsid /run/start-penstockd &
until curl -sf -o /dev/null http://127.0.0.1:5000/identity/v3; do sleep 0.1; done
until virsh -q uri > /dev/null 2>&1; do sleep 0.2; done
setsid /run/start-penstock-agent &
until grep -qs "^[0-9a-f]" /var/lib/penstock/agent/credential; do sleep 0.1; done
