#!/usr/bin/env bash
# What the end-to-end test of monitoring needs, kept in a cache outside the work tree; prints where it is:
#   scripts/monitoring.sh prometheus     the program, from PATH or the distribution's package, which is unpacked and not installed
#   scripts/monitoring.sh pages          the folder of its own pages, with the libraries they load, for the screenshots
#   scripts/monitoring.sh definitions    the folder of the Prometheus Operator's definitions, from its Go module (pinned in e2e/monitoring)
set -euo pipefail
cd "$(dirname "$0")/../e2e/monitoring"
cache=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}/prometheus

case ${1:-} in
prometheus)
    if command -v prometheus; then exit; fi
    program=$cache/root/usr/bin/prometheus
    if [ ! -x "$program" ]; then
        mkdir -p "$cache"
        exec 9> "$cache/lock"
        flock 9
        echo "monitoring.sh: fetching Prometheus (once, into $cache)" >&2
        rm -rf "$cache/root"
        (cd "$cache" && apt-get -qq download prometheus >&2 && dpkg -x prometheus_*.deb root.new && rm prometheus_*.deb)
        mv "$cache/root.new" "$cache/root"
    fi
    echo "$program"
    ;;
pages)
    scripts=$cache/root/usr/share/javascript
    ../../scripts/monitoring.sh prometheus > /dev/null
    if [ ! -d "$scripts" ]; then
        mkdir -p "$cache/libraries"
        (cd "$cache/libraries" && apt-get -qq download libjs-bootstrap4 libjs-d3 libjs-eonasdan-bootstrap-datetimepicker libjs-jquery \
            libjs-jquery-hotkeys libjs-moment libjs-moment-timezone libjs-mustache libjs-popper.js libjs-rickshaw fonts-glyphicons-halflings >&2
            for package in *.deb; do dpkg -x "$package" new; done)
        cp -r "$cache/libraries/new/usr/share/." "$cache/root/usr/share/"
        rm -r "$cache/libraries"
    fi
    echo "$cache/root/usr/share/prometheus/web"
    ;;
definitions)
    if ! command -v go > /dev/null; then PATH=$PATH:/usr/local/go/bin; fi
    module=github.com/prometheus-operator/prometheus-operator
    go mod download "$module" >&2
    echo "$(go list -m -f '{{.Dir}}' "$module")/example/prometheus-operator-crd"
    ;;
*) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
