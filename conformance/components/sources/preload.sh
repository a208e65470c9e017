#!/bin/sh
# preload.sh NODE OUTPUT LAYOUT...: unpack images (OCI layouts) into the store of a node's
# containerd, NODE/var/lib/containerd, and write that as tar file OUTPUT.
# To be run in a mount and a PID namespace of its own: they end what is started and mounted here.
set -eu
node=$1 output=$2
shift 2
# Sockets and mounts are private, and paths of sockets are short.
mount -t tmpfs preload /run
cat > /run/config.toml << CONFIG
version = 3
root = "$node/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
[grpc]
  address = "/run/containerd.sock"
[ttrpc]
  address = "/run/containerd.sock.ttrpc"
CONFIG
export CONTAINERD_ADDRESS=/run/containerd.sock CONTAINERD_NAMESPACE=k8s.io
mkdir -p "$node/var/lib/containerd"
containerd --config /run/config.toml &
daemon=$!
until ctr version > /dev/null 2>&1; do
  kill -0 $daemon
  sleep 0.1
done
for layout in "$@"; do
  # The labels are those of images that the kubelet may use and must not remove.
  tar -C "$layout" -c . | ctr images import --local --discard-unpacked-layers \
    --label io.cri-containerd.image=managed --label io.cri-containerd.pinned=pinned -
done
ctr content prune references # what is unpacked is not needed packed as well
kill $daemon
wait $daemon || true
tar -C "$node" --format=posix --pax-option=delete=atime,delete=ctime --sort=name --mtime=@1 \
  --numeric-owner --xattrs --xattrs-include='*' -cf "$output" var/lib/containerd
