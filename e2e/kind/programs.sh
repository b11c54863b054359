#!/usr/bin/env bash
# Builds programs of node/ into a directory: programs.sh DIRECTORY [PROGRAM..]
# All come from one module, so that what they share, client-go above all, is compiled once.
set -euo pipefail
directory=$1
shift
cd "$(dirname "$0")/node"
if [ $# = 0 ]; then set -- node coredns pause local-path-provisioner; fi

PATH=$PATH:/usr/local/go/bin
if ! command -v go > /dev/null; then
    echo "programs.sh: Go $(sed -n 's/^go //p' go.mod) or newer is needed to build $*" >&2
    exit 1
fi
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
component=k8s.io/component-base/version
IFS=. read -r major minor _ <<< "${version#v}"
flags="-s -w -X $component.gitVersion=$version -X $component.gitMajor=$major -X $component.gitMinor=$minor -X $component.gitTreeState=clean"

mkdir -p "$directory"
for program in "$@"; do
    case $program in
    node) package=. ;;
    coredns | pause) package=./$program ;;
    local-path-provisioner) package=github.com/rancher/local-path-provisioner ;;
    kind) package=sigs.k8s.io/kind ;;
    helm) package=helm.sh/helm/v3/cmd/helm ;;
    *) echo "programs.sh: $program is not known here" >&2; exit 2 ;;
    esac
    CGO_ENABLED=0 GOFLAGS=-buildvcs=false go build -trimpath -ldflags "$flags" -o "$directory/$program" "$package"
done
