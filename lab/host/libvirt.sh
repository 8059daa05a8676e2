# Sourced by main.sh: one libvirt daemon, without system services around it.
# shellcheck shell=bash
mkdir -p /run/libvirt /etc/libvirt /var/lib/libvirt /var/log/libvirt/qemu /var/cache/libvirt /run/lab/cache
mount --bind /run/lab/cache /var/cache/libvirt # keeps what libvirt learned of QEMU from boot to boot
grep -q ^libvirt-qemu: /etc/passwd || {       # libvirtd insists that its built-in user exists
	echo libvirt-qemu:x:64055: >> /etc/group
	echo libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin >> /etc/passwd
}
grep -q ^libvirt-dnsmasq: /etc/passwd || {
	echo libvirt-dnsmasq:x:64056: >> /etc/group
	echo libvirt-dnsmasq:x:64056:64056::/var/lib/libvirt/dnsmasq:/usr/sbin/nologin >> /etc/passwd
}
[ -s /etc/machine-id ] || od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > /etc/machine-id
cat > /etc/libvirt/qemu.conf <<'EOF'
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
EOF
listen=$(argument libvirt_tcp)
cat > /etc/libvirt/libvirtd.conf <<EOF
unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
log_outputs = "3:file:/run/lab/x/libvirtd.log"
host_uuid = "6f3e2b54-1c1e-4d3a-9a55-2d1b6f0c7a$(printf %02x $((16 + $(argument id))))"
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
EOF
# LAB_APPEND=lab.libvirt_tcp=1: other lab hosts may send guests here.
libvirtd -d ${listen:+-l} -f /etc/libvirt/libvirtd.conf &
