#!/usr/bin/env bash
# Builds the image of a kind node where the official one cannot be pulled, and prints its name:
#   image=$(e2e/kind/node.sh)
# The programs come from Go modules (node/), the file system from Debian, the files of kind's base image from kind's own module. The
# result is kept outside the work tree under a hash of its inputs: the first run takes minutes, the next ones nothing.
set -euo pipefail
PATH=$PATH:/usr/local/go/bin
cd "$(dirname "$0")"
scripts=$(cd ../../scripts && pwd)
cache=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}
suite=bookworm # the last Debian whose systemd still runs on cgroup version 1

hash=$({ cat node.sh programs.sh images.py; find node -type f -print0 | sort -z | xargs -0 cat; } | sha256sum | cut -c1-12)
image=gohub-kind-node:$hash
archive=$cache/kind-node-$hash.tar.zst

say() { echo "node.sh: $*" >&2; }

if docker image inspect "$image" > /dev/null 2>&1; then echo "$image"; exit; fi
if [ -f "$archive" ]; then
    zstd -dc "$archive" | docker load -q >&2
    echo "$image"
    exit
fi
if [ "${1:-}" = --cached ]; then exit 1; fi

if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    say "the official node image cannot be pulled, and only root on a Debian machine can build one"
    exit 1
fi
"$scripts/ensure.sh" mmdebstrap zstd jq
kind=$(cd node && go mod download sigs.k8s.io/kind && go list -m -f '{{.Dir}}' sigs.k8s.io/kind)
version=$(cd node && go list -m -f '{{.Version}}' k8s.io/kubernetes)
work=$(mktemp -d "$cache/kind-node.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
bin=$cache/kind-bin

step() { say "$(date +%T) $*"; }

# The file system comes from the network, the programs from the compiler: neither waits for the other.
rootfs() {
    # The host's own mirror, whatever it is.
    local mirror
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{sources,list} 2> /dev/null \
        | sed -n -E 's/^URIs: *([^ ]*).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]*) .*/\2/p' | head -n1 || true)
    if [ -z "$mirror" ]; then
        say "no mirror in /etc/apt/sources.list"
        return 1
    fi
    mmdebstrap --quiet --variant=minbase --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include=systemd,conntrack,iptables,nftables,busybox-static,iproute2,ethtool,util-linux,mount,kmod,libseccomp2,bash,ca-certificates,curl,jq,procps,hostname,socat,containerd,runc,containernetworking-plugins \
        "$suite" "$work/base.tar" "$mirror" >&2
}
step "root file system in the background, programs of Kubernetes $version"
rootfs > "$work/rootfs.log" 2>&1 &
rootfs=$!
./programs.sh "$bin"
if ! wait $rootfs; then
    say "mmdebstrap failed:"
    cat "$work/rootfs.log" >&2
    exit 1
fi
mkdir "$root"
tar -C "$root" -xf "$work/base.tar"
rm "$work/base.tar"

step "files of kind's base image"
files=$kind/images/base/files
mkdir -p "$root"/kind/{bin,manifests} "$root"/etc/{containerd,kubernetes/manifests,cni/net.d,systemd/system/multi-user.target.wants} "$root/opt/cni"
install -m755 "$files/usr/local/bin/entrypoint" "$root/usr/local/bin/"
install -m755 "$files"/kind/bin/* "$root/kind/bin/"
for directory in etc/containerd etc/default etc/sysctl.d etc/systemd/system etc/systemd/system/kubelet.service.d; do
    mkdir -p "$root/$directory"
    find "$files/$directory" -maxdepth 1 -type f -exec install -m644 -t "$root/$directory" {} +
done
install -m644 "$files/etc/crictl.yaml" "$root/etc/"
# As in kind's Dockerfile: systemd starts what a node needs and nothing else.
wants=$root/lib/systemd/system
rm -f "$wants"/{multi-user,local-fs,basic}.target.wants/* "$wants"/sockets.target.wants/*{udev,initctl}* \
    "$wants/sysinit.target.wants/systemd-tmpfiles-setup.service" "$root"/etc/cni/net.d/*
find "$root/etc/systemd/system" -path '*.wants/*' -delete
for unit in kubelet containerd undo-mount-hacks; do
    ln -sf "/etc/systemd/system/$unit.service" "$root/etc/systemd/system/multi-user.target.wants/"
done
ln -sf /dev/null "$root/etc/systemd/system/systemd-binfmt.service"
ln -sf /usr/lib/systemd/systemd "$root/sbin/init"
echo ReadKMsg=no >> "$root/etc/systemd/journald.conf"
# Debian's places for what kind builds itself.
for program in containerd ctr containerd-shim-runc-v2; do ln -sf "/usr/bin/$program" "$root/usr/local/bin/"; done
rm -rf "$root/opt/cni/bin"
ln -s /usr/lib/cni "$root/opt/cni/bin"
# Nothing may lower its oom_score_adj or raise its limits where CAP_SYS_RESOURCE is withheld.
sed -i '/^OOMScoreAdjust/d' "$root/etc/systemd/system/containerd.service"
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$root/etc/containerd/config.toml"
chroot "$root" ctr oci spec \
    | jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' > "$root/etc/containerd/cri-base.json"

step "Kubernetes and its images"
install -m755 "$bin/node" "$root/usr/bin/kubernetes"
for program in kubelet kubeadm kubectl; do ln -s kubernetes "$root/usr/bin/$program"; done
ln -s /usr/bin/kubernetes "$root/usr/local/bin/crictl"
echo -n "$version" > "$root/kind/version"
./images.py "$work/images.tar" "$root" "$bin" "$kind"
# A containerd over the node's own store takes the images in; the node finds them there when it starts.
mkdir -p "$root/var/lib/containerd" "$work/run"
cat > "$work/containerd.toml" << T
version = 2
root = "$root/var/lib/containerd"
state = "$work/run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$work/run/containerd.sock"
[ttrpc]
  address = "$work/run/ttrpc.sock"
T
containerd --config "$work/containerd.toml" > "$work/containerd.log" 2>&1 &
containerd=$!
for _ in $(seq 100); do if [ -S "$work/run/containerd.sock" ]; then break; fi; sleep 0.1; done
ctr -a "$work/run/containerd.sock" -n k8s.io images import --all-platforms --no-unpack --digests "$work/images.tar" > /dev/null
kill $containerd
wait $containerd || true
rm -rf "$work/images.tar" "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/tmp/*

step "the image"
tar -C "$root" --numeric-owner -cf - . \
    | docker import --change 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]' --change 'ENV container=docker' - "$image" > /dev/null
rm -rf "$root"
docker save "$image" | zstd -q -3 -T0 -o "$archive.new"
mv "$archive.new" "$archive"
step "done"
echo "$image"
