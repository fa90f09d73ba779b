#!/bin/sh
# Installs the Countersign agent on this server, upgrades it in place, or removes it without a trace.
# POSIX sh. Everything happens in main(), called on the last line, so that half a download does nothing.
set -eu

etc=/etc/countersign
opt=/opt/countersign
var=/var/lib/countersign
run=/run/countersign
units=/etc/systemd/system
unit_names="countersign-link.service countersign-runner.socket countersign-runner.service"
back=countersign-back
# No file that the control plane sends takes more of this server's disk: 512 MiB, in the blocks of ulimit. A package has 45.
fetch_blocks=1048576

usage() {
  cat <<'USAGE'
Installs the Countersign agent. Run it with the command that the dashboard or `countersign server add` gave you.

  --url URL          where the control plane is
  --token TOKEN      one-use enrolment token (or --token-file FILE, or COUNTERSIGN_TOKEN in the environment:
                     both keep it out of the shell's history and the process list)
  --cp-key KEY       public key of the control plane (ed25519:…); the agent trusts no other
  --tls-pin PIN      sha256//… of the control plane's certificate key, where the certificate is home-made
  --ca-file FILE     certificates to trust in place of the system's
  --proxy URL        HTTP proxy to dial out through
  --read-only        diagnostics only: this server will never change anything
  --lock-keys FILE   lock this server: it runs a change only with the signatures that the lock in FILE asks for
                     (FILE comes from `countersign lock init`)
  --airgap TARBALL   install from a package that is here already, instead of downloading it
  --no-start         install, but start nothing
  --dry-run          say what would be done, change nothing
  --rollback         go back to the version before
  --repair           put units, owners and modes back as the installed package has them, and start what should run
  --uninstall        stop the agent and remove everything it brought: programs, settings, keys, journal and user
  --help             this text

Running it again upgrades in place; then no token is needed.
USAGE
}

say() { printf '%s\n' "$*"; }
step() { printf '  %s\n' "$*"; }
die() { printf 'countersign: %s\n' "$1" >&2; [ $# -lt 2 ] || printf '  %s\n' "$2" >&2; exit 1; }

parse() {
  url='' token=${COUNTERSIGN_TOKEN:-} token_file='' cp_key='' tls_pin='' ca_file='' proxy='' lock_keys='' airgap=''
  mode=install read_only=no start=yes dry_run=no version='' sha256='' after='' downgrade=no
  while [ $# -gt 0 ]; do
    case $1 in
      --url|--token|--token-file|--cp-key|--tls-pin|--ca-file|--proxy|--lock-keys|--airgap|--version|--sha256|--after)
        [ $# -ge 2 ] || die "$1 needs a value" "see --help"
        value=$2
        case $1 in
          --url) url=${value%/} ;;
          --token) token=$value ;;
          --token-file) token_file=$value ;;
          --cp-key) cp_key=$value ;;
          --tls-pin) tls_pin=$value ;;
          --ca-file) ca_file=$value ;;
          --proxy) proxy=$value ;;
          --lock-keys) lock_keys=$value ;;
          --airgap) airgap=$value ;;
          --version) version=$value ;;
          --sha256) sha256=$value ;;
          --after) after=$value ;;
        esac
        shift ;;
      --read-only) read_only=yes ;;
      --no-start) start=no ;;
      --dry-run) dry_run=yes ;;
      --non-interactive|--upgrade|--purge) ;; # what it does anyway
      --rollback) mode=rollback ;;
      --uninstall) mode=uninstall ;;
      --repair) mode=repair ;;
      # What the runner starts when a change of the agent itself was approved; docs/decisions/0017-agent-changes.md.
      --offer|--stage|--switch|--arm-back|--go-back|--keep) mode=${1#--} ;;
      --allow-downgrade) downgrade=yes ;;
      --help|-h) usage; exit 0 ;;
      *) die "there is no option $1" "see --help" ;;
    esac
    shift
  done
}

# Values go into YAML and onto command lines, so each must look like what it is.
check_values() {
  case $url in *[!A-Za-z0-9:/.@_~%\[\]-]*) die "--url has characters that an address cannot have" ;; esac
  case $url in
    https://*) ;;
    '') die "no --url was given" "copy the whole command from the dashboard" ;;
    http://*)
      printf '%s\n' "$url" | grep -Eq '^http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?$' ||
        die "plain http is accepted on this machine only" "use the https address of the control plane" ;;
    *) die "--url does not look like an address: $url" ;;
  esac
  case $cp_key in
    ed25519:*[!A-Za-z0-9_:-]*|'') die "--cp-key is missing or malformed" "copy the whole command from the dashboard" ;;
    ed25519:*) ;;
    *) die "--cp-key must begin with ed25519:" ;;
  esac
  case $tls_pin in
    '') ;;
    sha256//*[!A-Za-z0-9+/=]*) die "--tls-pin is malformed" ;;
    sha256//*) ;;
    *) die "--tls-pin must begin with sha256//" ;;
  esac
  case $ca_file in ''|/*) ;; *) die "--ca-file needs an absolute path" ;; esac
  case $proxy in *[!A-Za-z0-9:/.@_~%\[\]-]*) die "--proxy has characters that an address cannot have" ;; esac
  [ -z "$lock_keys" ] || [ -r "$lock_keys" ] || die "cannot read the lock file $lock_keys"
  if [ -n "$token_file" ]; then
    [ -r "$token_file" ] || die "cannot read the token file $token_file"
    token=$(tr -d ' \r\n' <"$token_file")
  fi
  case $token in *[!A-Za-z0-9_-]*) die "the enrolment token is malformed" "copy the whole command from the dashboard" ;; esac
}

# On an upgrade the settings of the first installation hold unless they are given anew. A server that is enrolled at this
# control plane stays so: the command that installed it, pasted again, upgrades it, though its token is used.
recall() {
  known=no
  [ -r "$etc/agent.yaml" ] || return 0
  if [ -s "$var/link/identity.json" ]; then
    case ${url:-$(setting url)}+${cp_key:-$(setting control_plane_key)} in
      "$(setting url)+$(setting control_plane_key)") known=yes ;;
    esac
  fi
  [ -n "$url" ] || url=$(setting url)
  [ -n "$cp_key" ] || cp_key=$(setting control_plane_key)
  [ -n "$tls_pin" ] || tls_pin=$(setting tls_pin)
  [ -n "$ca_file" ] || ca_file=$(setting ca_file)
  [ -n "$proxy" ] || proxy=$(setting proxy)
}
setting() { sed -n "s/^$1: *\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$etc/agent.yaml" | head -n 1; }

need_system() {
  [ "$(id -u)" = 0 ] || die "this needs root" "put sudo before sh"
  [ -d /run/systemd/system ] || die "this server does not run systemd" \
    "without systemd, unpack the package and run: countersign-agent enroll …, then countersign-agent link"
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) platform=linux-x64 ;;
    Linux-aarch64) platform=linux-arm64 ;;
    *) die "there is no package for $(uname -s) on $(uname -m)" "x86_64 and aarch64 Linux are supported" ;;
  esac
  for program in tar gzip sha256sum sed; do
    command -v "$program" >/dev/null || die "$program is missing" "install it with the package manager of this system"
  done
}

fetch() { # path file
  command -v curl >/dev/null || die "curl is missing" "install it, or use --airgap with a package that you copied here"
  set -- "$1" "$2" -fsS --retry 3 --connect-timeout 15 --max-time 600
  case $url in https:*) set -- "$@" --proto '=https' ;; esac
  # With a pin the key is what counts: curl ends the transfer when it does not fit (curl(1), --pinnedpubkey).
  [ -z "$tls_pin" ] || set -- "$@" --insecure --pinnedpubkey "$tls_pin"
  [ -z "$ca_file" ] || set -- "$@" --cacert "$ca_file"
  # Plain http is for this machine only, and a proxy may be another one.
  case $url in
    https:*) [ -z "$proxy" ] || set -- "$@" --proxy "$proxy" ;;
    *) set -- "$@" --noproxy '*' ;;
  esac
  from=$1 to=$2
  shift 2
  # curl's own bound counts only what a server says beforehand (before 8.4, --max-filesize); here the write fails. A lower bound that is there stays. Source: ulimit(1p).
  (ulimit -f "$fetch_blocks" || :; exec curl "$@" -o "$to" "$url$from")
}

obtain_package() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  if [ -n "$airgap" ]; then
    [ -r "$airgap" ] || die "cannot read $airgap"
    [ -r "$airgap.sha256" ] || die "there is no $airgap.sha256 beside the package" "copy both files"
    cp "$airgap" "$work/package"
    sum=$(head -c 64 "$airgap.sha256")
    name=$(basename "$airgap")
  else
    fetch "/agent/$platform.sha256" "$work/sum" || die "the control plane at $url gave no package for $platform" \
      "try: curl -v $url/healthz"
    sum=$(head -c 64 "$work/sum")
    name=$(sed -n '1s/^[0-9a-f]*  //p' "$work/sum")
  fi
  version=$(printf '%s' "$name" | sed -n "s/^countersign-agent-\(.*\)-$platform\.tar\.gz\$/\1/p")
  case $version in ''|*[!A-Za-z0-9.-]*) die "the package has a strange name: $name" ;; esac
  case $sum in *[!0-9a-f]*) die "the checksum is malformed" ;; esac
}

download_package() {
  [ -n "$airgap" ] || fetch "/agent/$platform.tar.gz" "$work/package" || die "the download broke" "run the command again"
  found=$(sha256sum "$work/package" | head -c 64)
  [ "$found" = "$sum" ] || die "the package is damaged: SHA-256 $found, expected $sum" "nothing was changed; run the command again"
}

# The lock is judged by the agent that is about to be installed, in a folder of its own: a lock that does not fit, or another one
# that this server pins already, ends the installation before anything is changed.
check_lock() {
  [ -n "$lock_keys" ] || return 0
  mkdir "$work/check"
  tar -xzf "$work/package" -C "$work/check" --no-same-owner
  pin_lock "$work/check/bin/countersign-agent" --check >/dev/null || die "the lock in $lock_keys cannot be pinned" "nothing was changed"
  rm -rf "$work/check"
}
pin_lock() { program=$1; shift; "$program" lock pin "$lock_keys" --policy "$etc/policy.yaml" "$@"; }

refuse_downgrade() {
  [ -e "$opt/current" ] || return 0
  present=$(basename "$(readlink -f "$opt/current")")
  lower=$(printf '%s\n%s\n' "${present%%-*}" "${version%%-*}" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)
  if [ "$lower" != "${present%%-*}" ]; then
    die "the control plane offers $version, older than the installed $present" "go back with --rollback if you mean it"
  fi
}

unpack() {
  mkdir -p "$opt/versions"
  chmod 0755 "$opt" "$opt/versions"
  # What was approved by its checksum is unpacked anew, whatever lies there.
  [ "$mode" != stage ] && [ -x "$opt/versions/$version/bin/node" ] && return 0
  rm -rf "$opt/versions/$version.part"
  mkdir "$opt/versions/$version.part"
  tar -xzf "$work/package" -C "$opt/versions/$version.part" --no-same-owner
  # The package's own libraries stay only where Node does not start without them.
  if "$opt/versions/$version.part/bin/node" --version >/dev/null 2>&1; then
    rm -rf "$opt/versions/$version.part/lib"
  elif ! reason=$(LD_LIBRARY_PATH=$opt/versions/$version.part/lib "$opt/versions/$version.part/bin/node" --version 2>&1); then
    rm -rf "$opt/versions/$version.part"
    die "the package does not run on this system: $reason" "glibc 2.28 or newer is needed"
  fi
  rm -rf "$opt/versions/$version"
  mv "$opt/versions/$version.part" "$opt/versions/$version"
}

make_user() {
  id countersign >/dev/null 2>&1 && return 0
  nologin=$(command -v nologin || echo /usr/sbin/nologin)
  useradd --system --user-group --no-create-home --home-dir "$var" --shell "$nologin" countersign
}

write_settings() {
  mkdir -p "$etc"
  chmod 0755 "$etc"
  {
    echo "# Written by install.sh. The agent's own policy is in policy.yaml beside this file."
    echo "url: \"$url\""
    echo "control_plane_key: \"$cp_key\""
    [ -z "$tls_pin" ] || echo "tls_pin: \"$tls_pin\""
    [ -z "$ca_file" ] || echo "ca_file: \"$ca_file\""
    [ -z "$proxy" ] || echo "proxy: \"$proxy\""
    echo "state_dir: \"$var/link\""
    echo "runner_state_dir: \"$var/runner\""
    echo "runner_socket: \"$run/runner.sock\""
    echo "policy_file: \"$etc/policy.yaml\""
  } >"$etc/agent.yaml.new"
  chgrp countersign "$etc/agent.yaml.new"
  chmod 0640 "$etc/agent.yaml.new"
  mv "$etc/agent.yaml.new" "$etc/agent.yaml"
  [ -e "$etc/policy.yaml" ] || write_policy
}

# Written once; from then on it belongs to the server's owner, and nothing remote ever touches it.
write_policy() {
  policy_mode=act
  [ "$read_only" = no ] || policy_mode=observe
  cat >"$etc/policy.yaml" <<POLICY
# What this server lets Countersign do. Yours alone: the control plane can neither read all of it nor change it.
# It is read anew for every request. https://github.com/countersign/countersign/blob/main/docs/local-policy.md

# observe: diagnostics only. act: changes too, each approved by a human.
mode: $policy_mode
# low, medium, high or critical: nothing above this runs here.
max_risk: high
# Commands outside playbooks. false, or true.
commands: false
# units:
#   deny: ["postgresql*"]
# read_roots: [/etc, /var/log, /srv]
# write_roots: [/etc/nginx, /srv]
POLICY
  chown root:root "$etc/policy.yaml"
  chmod 0644 "$etc/policy.yaml"
}

install_units() {
  previous=$(readlink "$opt/current" 2>/dev/null || true)
  [ -z "$previous" ] || [ "$previous" = "versions/$version" ] || ln -sfn "$previous" "$opt/previous"
  take_version "$version"
}

# Has programs and units be those of a version that is here. Cut off in between, the link tells that it was begun.
take_version() {
  ln -sfn "versions/$1" "$opt/current.new"
  mv -T "$opt/current.new" "$opt/current"
  put_units "$1"
  to_disk
  systemctl daemon-reload
}

# A power cut right after would else leave empty files: of what was unpacked, and of the timer that goes back from it. Source: sync(1).
to_disk() { sync -f "$opt" "$units" 2>/dev/null || sync; }

put_units() {
  for unit in $unit_names; do
    cp "$opt/versions/$1/units/$unit" "$units/$unit"
    chmod 0644 "$units/$unit"
  done
}

enrol() {
  mkdir -p "$var/link" "$var/runner"
  chown countersign:countersign "$var/link"
  chmod 0755 "$var"
  chmod 0700 "$var/link" "$var/runner"
  [ "$known" = no ] || return 0
  [ -n "$token" ] || die "no enrolment token was given" "copy the whole command from the dashboard"
  # The runner learns the name of this server once, from the link that was just enrolled, and keeps it in its own folder.
  rm -f "$var/runner/server.json"
  # By standard input: an argument would be seen in the process list.
  if printf '%s\n' "$token" | runuser -u countersign -- "$opt/current/bin/countersign-agent" enroll --config "$etc/agent.yaml" --token-file -; then
    return 0
  fi
  die "this server could not be enrolled" "nothing runs yet; mend what is said above and run the command again"
}

start_units() {
  systemctl enable --quiet countersign-runner.socket countersign-link.service
  # A runner of the old version ends when it is idle; a running action is never cut off by an upgrade.
  systemctl start countersign-runner.socket
  rm -f "$var/link/status.json" # or the health check would read what the version before wrote
  systemctl restart countersign-link.service
}

healthy() { runuser -u countersign -- "$opt/current/bin/countersign-agent" status --config "$etc/agent.yaml" --wait "$1" >/dev/null; }

# A server that was taken out of care, or whose key is refused, is enrolled anew with the token that came along.
connects() {
  if [ "$known" = no ] || [ -z "$token" ]; then
    healthy 60
    return
  fi
  healthy 15 && return 0
  step "the control plane does not know this server any more: enrolling it anew"
  systemctl stop countersign-link.service
  known=no
  enrol
  start_units
  healthy 60
}

go_back() {
  target=$(readlink "$opt/previous" 2>/dev/null || true)
  [ -n "$target" ] || return 1
  take_version "${target#versions/}"
  systemctl start countersign-runner.socket
  systemctl restart countersign-link.service
}

plan() {
  say "Would install the Countersign agent $version from $url:"
  step "user countersign, without a shell"
  step "$opt/versions/$version and $opt/current"
  step "$etc/agent.yaml, and $etc/policy.yaml unless it is there (mode $([ "$read_only" = yes ] && echo observe || echo act))"
  step "$units: $unit_names"
  step "$var: key, outbox and journal"
  [ -z "$lock_keys" ] || step "the lock of $lock_keys in $etc/policy.yaml: only what its holders sign can change this server"
  [ "$start" = no ] || step "start countersign-link and countersign-runner.socket"
  say "Nothing was changed."
}

install_agent() {
  recall
  check_values
  need_system
  obtain_package
  if [ "$dry_run" = yes ]; then
    [ -z "$lock_keys" ] || { download_package; check_lock; }
    plan
    exit 0
  fi
  refuse_downgrade
  say "Installing the Countersign agent $version"
  download_package
  step "package verified: SHA-256 $sum"
  check_lock
  unpack
  make_user
  write_settings
  install_units
  if [ -n "$lock_keys" ]; then
    pin_lock "$opt/current/bin/countersign-agent" >/dev/null
    step "locked: changes need the signatures that $lock_keys asks for"
  fi
  enrol
  if [ "$known" = yes ]; then step "enrolled already: key and policy stay"; else step "enrolled: the key was made here and stays here"; fi
  if [ "$start" = no ]; then
    say "Installed, not started. Start with: systemctl enable --now countersign-runner.socket countersign-link.service"
    exit 0
  fi
  start_units
  if ! connects; then
    journalctl -u countersign-link -n 20 --no-pager >&2 || true
    if [ -n "$previous" ] && [ "$previous" != "versions/$version" ] && go_back; then
      die "the new version did not connect within 60 s; the one before runs again" "the log is above"
    fi
    die "the agent runs but did not connect within 60 s" "the log is above; countersign-agent doctor says more: $opt/current/bin/countersign-agent doctor"
  fi
  forget_versions
  say "Connected. This server is green at $url"
  say
  step "log:        journalctl -u countersign-link -f"
  step "policy:     $etc/policy.yaml"
  step "lock:       $opt/current/bin/countersign-agent lock"
  step "uninstall:  $opt/current/install.sh --uninstall"
}

# The present version and the one before stay.
forget_versions() {
  for folder in "$opt"/versions/*; do
    case versions/$(basename "$folder") in
      "$(readlink "$opt/current")"|"$(readlink "$opt/previous" 2>/dev/null)") ;;
      *) rm -rf "$folder" ;;
    esac
  done
}

rollback_agent() {
  need_system
  if [ "$dry_run" = yes ]; then say "Would go back to $(readlink "$opt/previous" 2>/dev/null || echo nothing)."; exit 0; fi
  go_back || die "there is no version before this one"
  say "Runs $(basename "$(readlink "$opt/current")") again."
}

# What the control plane has for servers: JSON with version, checksum and size of each package.
offer_packages() {
  recall
  check_values
  fetch /agent/manifest.json -
}

# Fetches the one package that was approved, unpacks it beside the present version, and tries it. Nothing that runs is touched.
stage_version() {
  wanted=$version
  recall
  check_values
  need_system
  obtain_package
  [ "$version" = "$wanted" ] || die "the control plane offers $version, and $wanted was approved" "nothing was changed"
  [ "$sum" = "$sha256" ] || die "the control plane offers a package with SHA-256 $sum, and $sha256 was approved" "nothing was changed"
  [ "versions/$version" != "$(readlink "$opt/current")" ] || die "$version is the present version" "nothing was changed"
  [ "$downgrade" = yes ] || refuse_downgrade
  download_package
  step "package verified: SHA-256 $sum"
  unpack
  new=$opt/versions/$version/bin/countersign-agent
  says=$("$new" --version) || die "the new version does not start here" "nothing was changed"
  # An older package under a newer name would not be seen to be older.
  [ "$says" = "${version%-*}" ] || die "the package is named $version, and what it holds is $says" "nothing was changed"
  "$new" doctor --config "$etc/agent.yaml" || die "the new version does not pass its own examination here" "nothing was changed"
}

need_version() {
  [ "$(id -u)" = 0 ] || die "this needs root"
  case $version in ''|*[!A-Za-z0-9.-]*|.*) die "--version is missing or malformed" ;; esac
  [ -x "$opt/versions/$version/bin/node" ] || die "version $version is not on this server"
}

switch_version() {
  need_version
  install_units
  restart_units
}

# The runner last, and without waiting: it may be who asked for this. What fails to start must not keep the rest from it.
restart_units() {
  systemctl reset-failed countersign-link.service countersign-runner.service countersign-runner.socket 2>/dev/null || true
  systemctl start countersign-runner.socket || true
  rm -f "$var/link/status.json"
  systemctl restart countersign-link.service || true
  systemctl restart --no-block countersign-runner.service
}

# Has the server itself go back to a version after a while. A timer of its own, which a reboot starts anew, and a script of that
# version: nothing of the version that is tried has part in it. Source: systemd.timer(5).
arm_back() {
  need_version
  case $after in ''|*[!0-9]*) die "--after needs seconds" ;; esac
  printf '%s\n' '[Unit]' "Description=Countersign goes back to $version" \
    '[Service]' 'Type=oneshot' "ExecStart=$opt/versions/$version/install.sh --go-back --version $version" \
    >"$units/$back.service"
  printf '%s\n' '[Unit]' "Description=Countersign goes back to $version unless the new one proves itself" \
    '[Timer]' "OnActiveSec=${after}s" 'AccuracySec=1s' '[Install]' 'WantedBy=timers.target' \
    >"$units/$back.timer"
  chmod 0644 "$units/$back.service" "$units/$back.timer"
  systemctl daemon-reload
  systemctl enable --quiet "$back.timer"
  systemctl restart "$back.timer"
  to_disk
}

disarm_back() {
  systemctl disable --quiet --now "$back.timer" 2>/dev/null || true
  rm -f "$units/$back.timer" "$units/$back.service"
  systemctl daemon-reload
}

go_back_to() {
  need_version
  take_version "$version"
  disarm_back
  restart_units
}

keep_version() {
  need_version
  [ "versions/$version" = "$(readlink "$opt/current")" ] || die "$version is not the present version"
  disarm_back
  forget_versions
}

# Units, owners, modes and what runs, as an installation leaves them. Programs come with a package only, and policy.yaml is the owner's.
repair_agent() {
  version=$(basename "$(readlink "$opt/current" || true)")
  need_version
  put_units "$version"
  chown root:root "$opt" "$opt/versions" "$etc" "$var" "$var/runner"
  chmod 0755 "$opt" "$opt/versions" "$etc" "$var"
  chmod 0700 "$var/link" "$var/runner"
  chown countersign:countersign "$var/link"
  chown root:countersign "$etc/agent.yaml"
  chmod 0640 "$etc/agent.yaml"
  systemctl daemon-reload
  systemctl enable --quiet countersign-runner.socket countersign-link.service
  systemctl start countersign-runner.socket countersign-link.service
  say "Repaired: units, owners and modes are those of $version."
}

uninstall_agent() {
  [ "$(id -u)" = 0 ] || die "this needs root" "put sudo before sh"
  if [ "$dry_run" = yes ]; then
    say "Would remove $opt $etc $var $run, the units and the user countersign. Nothing was changed."
    exit 0
  fi
  disarm_back
  systemctl disable --quiet --now countersign-link.service countersign-runner.socket countersign-runner.service 2>/dev/null || true
  for unit in $unit_names; do rm -f "$units/$unit"; done
  systemctl daemon-reload
  systemctl reset-failed 'countersign-*' 2>/dev/null || true
  rm -rf "$opt" "$etc" "$var" "$run"
  userdel countersign 2>/dev/null || true
  groupdel countersign 2>/dev/null || true
  say "Removed. In the dashboard the server can be taken out of care, too."
}

main() {
  parse "$@"
  umask 022
  case $mode in
    install) install_agent ;;
    rollback) rollback_agent ;;
    uninstall) uninstall_agent ;;
    repair) repair_agent ;;
    offer) offer_packages ;;
    stage) stage_version ;;
    switch) switch_version ;;
    arm-back) arm_back ;;
    go-back) go_back_to ;;
    keep) keep_version ;;
  esac
}

main "$@"
