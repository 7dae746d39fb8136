# shellcheck shell=bash
# Sourced by scripts/demo and scripts/test: builds .venv with the standard library's tools, and keeps it while it fits.
#
# JAXSIM_EXTRAS adds optional dependencies, for example JAXSIM_EXTRAS=cuda13 scripts/demo

find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    echo "jaxsim needs Python 3.11 or newer with the venv module; tried python3, python3.13, python3.12 and python3.11." >&2
    echo "Install one (on Debian or Ubuntu: apt install python3 python3-venv) and run this again." >&2
    return 1
}

# What an installation depends on; the place counts because the installation points into it.
environment_stamp() {
    echo "$PWD"
    cat pyproject.toml
}

# environment_fits EXTRAS: whether .venv holds them (and perhaps more), installed from here and from this pyproject.toml.
environment_fits() {
    local stamp
    [ -x .venv/bin/python ] || return 1
    for stamp in .venv/installed-"$1"*; do
        if environment_stamp | cmp -s - "$stamp"; then
            return 0
        fi
    done
    return 1
}

# ensure_environment EXTRAS: call from the repository root, EXTRAS separated by commas and possibly empty.
ensure_environment() {
    local extras="$1${1:+,}${JAXSIM_EXTRAS:-}"
    extras="${extras%,}"
    if environment_fits "$extras"; then
        return 0
    fi
    if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        local python
        python="$(find_python)" || return 1
        echo "Creating .venv with $python ($("$python" --version))"
        "$python" -m venv --clear .venv || return 1
    fi
    echo "Installing jaxsim${extras:+ with the extras $extras} into .venv (once; needs the network, a few minutes at most)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".${extras:+[$extras]}" || return 1
    environment_stamp >".venv/installed-$extras"
}
