#!/bin/bash
# Upgrades this machine to a new release, which is built beside the running one. See docs/deployment.md.
# Usage: upgrade.sh [REPOSITORY [BRANCH_OR_TAG]]   (as root; without REPOSITORY: the origin of the running release)
#
# The script stops at the first error. Until `current` changes, the running release is untouched. Afterwards a web process
# that does not become ready, or any other failure, restores the former release. Migrations are kept: the former release
# works with the migrated database, unless the changelog says otherwise.
set -euo pipefail
umask 022 # so that the service's user can read the release
unset PYTHONHOME PYTHONPATH PYTHONSAFEPATH CDPATH PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV

root=${VESTIBULE_ROOT:-/opt/vestibule}
units=${VESTIBULE_UNITS:-/etc/systemd/system}
read -ra ports <<<"${WEB_PORTS:-8000 8001}"
ready_seconds=${READY_SECONDS:-60}
state=building
release=

die() {
    printf 'upgrade.sh: %s\n' "$*" >&2
    exit 1
}

# `ln -sfn` removes the link before it creates the new one; a rename is atomic.
point_current_to() {
    ln -s "$1" "$root/.current.$$"
    mv -T "$root/.current.$$" "$root/current"
}

# Keep units that an administrator edited in place; changes belong in a drop-in (`systemctl edit`).
install_units() {
    local unit name
    for unit in "$2"/docker/debian/*.service; do
        name=${unit##*/}
        if [ ! -e "$units/$name" ] || cmp -s "$units/$name" "$unit"; then
            continue
        elif cmp -s "$units/$name" "$1/docker/debian/$name"; then
            cp "$unit" "$units/$name"
        else
            echo "Kept $units/$name, which was edited here; compare it with $unit."
        fi
    done
    systemctl daemon-reload
}

wait_until_ready() {
    local deadline=$((SECONDS + ready_seconds))
    until curl --silent --fail --max-time 5 --output /dev/null "http://127.0.0.1:$1/readyz"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.5
    done
}

restart_web() {
    local port
    for port in "${ports[@]}"; do
        systemctl restart "vestibule-web@$port"
        wait_until_ready "$port" || die "the web process at port $port did not become ready within $ready_seconds seconds."
    done
}

restart_all() {
    restart_web
    systemctl restart vestibule-worker vestibule-beat
    systemctl is-active --quiet vestibule-worker vestibule-beat || die "the worker or beat has ended."
}

# One web process after the other: if the first does not start, the second keeps running.
roll_back() {
    echo "upgrade.sh: going back to $former." >&2
    point_current_to "$former"
    install_units "$release" "$former" || true
    (set -e; restart_all) || die "the former release did not start either: see journalctl -u 'vestibule-*'."
    echo "upgrade.sh: the former release runs again; the new one is in $release." >&2
}

finish() {
    local code=$?
    trap - EXIT INT TERM HUP
    rm -f "$root/.current.$$"
    if [ "$state" = switched ]; then
        roll_back
    elif [ "$state" = building ] && [ -n "$release" ]; then
        rm -rf -- "$release"
        echo "upgrade.sh: nothing was changed; $former runs on." >&2
    fi
    exit "$code"
}

[ $# -le 2 ] || die "usage: upgrade.sh [REPOSITORY [BRANCH_OR_TAG]]"
for command in git python3 curl systemctl vestibule-manage flock; do
    command -v "$command" >/dev/null || die "$command is not installed, or not on the PATH."
done
[ -L "$root/current" ] && former=$(readlink -e "$root/current") && [ -e "$former/manage.py" ] ||
    die "$root/current names no release; the first installation is in docs/deployment.md."
[ -w "$root/releases" ] || die "$root/releases cannot be written; run this as root."
repository=${1:-${REPOSITORY:-$(git -c safe.directory='*' -C "$former" remote get-url origin 2>/dev/null || true)}}
[ -n "$repository" ] || die "which repository? upgrade.sh REPOSITORY, or REPOSITORY in the environment."
exec 9>"$root/.upgrade.lock"
flock --nonblock 9 || die "another upgrade is under way."

trap finish EXIT
trap 'exit 130' INT TERM HUP

release=$root/releases/$(date +%Y%m%d-%H%M%S)
[ ! -e "$release" ] || { release=; die "there is a release of this second already; try again."; }
git clone --quiet --depth 1 ${2:+--branch "$2"} -- "$repository" "$release"
python3 -m venv "$release/.venv"
"$release/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-user --target "" --root / \
    --prefix "$release/.venv" --only-binary :all: --requirement "$release/requirements/production.txt"
"$release/.venv/bin/python" -m compileall -q "$release/config" "$release/core" "$release/sessions_tracking" "$release/accounts"
RELEASE=$release vestibule-manage check --deploy
RELEASE=$release vestibule-manage migrate --no-input

state=switched
point_current_to "$release"
install_units "$former" "$release"
restart_all
state=finished
echo "$release runs. The former release is $former."
