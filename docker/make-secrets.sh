#!/bin/sh
# Generates what compose.yml mounts: random secrets in secrets/ and a self-signed certificate in tls/. Keeps existing files.
# Usage: make-secrets.sh [HOST…]   (the names in the certificate; default at first: auth.example.com app.example.com)
set -eu
unset CDPATH
cd -- "$(dirname -- "$0")"

random() {
    head -c 36 /dev/urandom | base64 | tr '+/' '-_'
}

# Only the owner can enter the folder; inside it the containers' users can read their mounted files.
keep() {
    [ -e "secrets/$1" ] && return
    printf '%s\n' "$2" >"secrets/$1"
    chmod 444 "secrets/$1"
    echo "Made secrets/$1."
}

# Percent-encode for a URL: an existing password may contain any character.
escaped() {
    case $1 in
    *[!A-Za-z0-9_-]*) printf %s "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%' ;;
    *) printf %s "$1" ;;
    esac
}

for host; do
    case $host in *[!A-Za-z0-9.-]* | "") echo "make-secrets.sh: '$host' is not the name of a host." >&2 && exit 2 ;; esac
done

mkdir -p secrets tls
chmod 700 secrets tls

keep secret_key "$(random)"
keep jwt_secret_key "$(random)"
keep mfa_encryption_keys "$(random)"
keep postgres_password "$(random)"
keep database_url "postgres://vestibule:$(escaped "$(cat secrets/postgres_password)")@postgres:5432/vestibule"
keep redis_auth "requirepass $(random)"
keep redis_url "redis://:$(escaped "$(cut -d' ' -f2 secrets/redis_auth)")@redis:6379/0"
keep metrics_token "$(random)"
keep email_url "smtp+tls://user:password@smtp.example.com:587"

# Browsers read only subjectAltName; a common name is limited to 64 characters, a host is not.
if [ ! -e tls/privkey.pem ]; then
    [ $# -gt 0 ] || set -- auth.example.com app.example.com
    names=$(printf ',DNS:%s' "$@")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj /CN=vestibule \
        -addext "subjectAltName=${names#,}" -keyout tls/.privkey.pem -out tls/.fullchain.pem 2>tls/.errors || {
        cat tls/.errors >&2
        exit 1
    }
    chmod 444 tls/.privkey.pem tls/.fullchain.pem
    mv tls/.fullchain.pem tls/fullchain.pem
    mv tls/.privkey.pem tls/privkey.pem # last, since the next run keeps a certificate whose key exists
    rm tls/.errors
    echo "Made a certificate in tls/ for $*: put your own in its place."
fi
