#!/usr/bin/env bash
# Installs the Autobahn WebSocket test suite into DIR, from PyPI only (about a minute, once): install.sh DIR
# The suite is a Python 2.7 program of its time; its parts are pinned to versions that still build there.
set -euo pipefail
dir=${1:?usage: install.sh DIR}
[ -x "$dir/py27/bin/wstest" ] && [ -f "$dir/installed" ] && exit 0

python2=${PYTHON2:-$(compgen -G "$HOME/.pyenv/versions/2.7.*/bin/python" | head -1 || true)}
python2=${python2:-$(command -v python2.7 || true)}
if [ -z "$python2" ]; then
    echo "conformance: no Python 2.7: pyenv install 2.7.18, or set PYTHON2" >&2
    exit 2
fi

echo "installing the Autobahn suite (once, into the cache)" >&2
rm -rf "$dir" && mkdir -p "$dir"
export PIP_DISABLE_PIP_VERSION_CHECK=1
# The last virtualenv that still makes Python 2.7 environments.
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install virtualenv==20.21.1
"$dir/venv/bin/virtualenv" -q -p "$python2" "$dir/py27"
pip2() { "$dir/py27/bin/pip" -q install "$@" 2> >(grep -v DEPRECATION >&2 || true); }
pip2 setuptools==44.0.0 wheel==0.36.2
pip2 --no-build-isolation incremental==16.10.1 cryptography==3.3.2 pyOpenSSL==19.1.0
pip2 --no-build-isolation txaio==2.1.0 Twisted==19.10.0 zope.interface==4.6.0 jinja2==2.11.3 markupsafe==1.1.1 \
    Werkzeug==1.0.1 klein==17.10.0 service_identity==18.1.0 unittest2==1.1.0 six==1.16.0 'autobahn[twisted,accelerate]==0.10.9'
pip2 --no-deps --no-build-isolation autobahntestsuite==25.10.1
"$dir/py27/bin/wstest" -a > "$dir/installed"
