# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154
# Shared by ./run and ./check: words for people, the packages of packages.txt, the build folder.
# The caller sets `root` (the top of the source tree) and `program` (its own name).

# Meson and msgfmt want a UTF-8 locale even where the machine has none set (a container, a service).
case "${LC_ALL:-${LC_CTYPE:-${LANG:-}}}" in
  *UTF-8* | *utf8* | *utf-8*) ;;
  *) export LC_ALL=C.UTF-8 ;;
esac

# say ENGLISH CHINESE: one line on standard error, in the language of the locale.
say ()
{
  case "${LANGUAGE:-${LC_MESSAGES:-${LANG:-}}}" in
    zh*) printf '%s：%s\n' "$program" "$2" >&2 ;;
    *) printf '%s: %s\n' "$program" "$1" >&2 ;;
  esac
}

# The distribution's own python3, whose modules its packages install; a python3 that comes first in PATH may be another.
if [ -x /usr/bin/python3 ]; then
  system_python=/usr/bin/python3
else
  system_python=python3
fi

have ()
{
  case "$1" in
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
    pkg:*)
      module=${1#pkg:}
      pkg-config --atleast-version="${module#*>=}" "${module%%>=*}" 2>/dev/null
      ;;
    file:*)
      # The globs are meant to expand.
      # shellcheck disable=SC2046
      set -- $(printf '%s' "${1#file:}" | tr '|' ' ')
      for file in "$@"; do
        [ -e "$file" ] && return 0
      done
      return 1
      ;;
    py:*) "$system_python" -c "import ${1#py:}" 2>/dev/null ;;
    gi:*)
      typelib=${1#gi:}
      "$system_python" -c "import gi; gi.require_version ('${typelib%-*}', '${typelib##*-}')" 2>/dev/null
      ;;
    font:*) [ -n "$(fc-list ":lang=${1#font:}" family 2>/dev/null | head -n 1)" ] ;;
    *)
      say "packages.txt: unknown probe $1" "packages.txt：未知的检测项 $1"
      return 1
      ;;
  esac
}

# package_manager: prints apt, dnf or pacman; nothing where there is none of them.
package_manager ()
{
  if command -v apt-get >/dev/null 2>&1; then
    echo apt
  elif command -v dnf >/dev/null 2>&1; then
    echo dnf
  elif command -v pacman >/dev/null 2>&1; then
    echo pacman
  fi
}

# missing_packages WHO…: the packages of this distribution whose probes fail, one per line.
missing_packages ()
{
  manager=$(package_manager)
  for wanted in "$@"; do
    while read -r who probe apt dnf pacman; do
      [ "$who" = "$wanted" ] || continue
      have "$probe" && continue
      case "$manager" in
        apt) package=$apt ;;
        dnf) package=$dnf ;;
        pacman) package=$pacman ;;
        *) package=${probe#*:} ;;
      esac
      [ "$package" = - ] || printf '%s\n' "$package"
    done < "$root/build-aux/packages.txt"
  done | sort -u
}

# install_missing WHO…: installs what is missing, and says so first. Does nothing where nothing is missing.
install_missing ()
{
  missing=$(missing_packages "$@" | tr '\n' ' ')
  missing=${missing% }
  [ -n "$missing" ] || return 0

  case "$(package_manager)" in
    apt) command="apt-get install -y --no-install-recommends $missing" ;;
    dnf) command="dnf install -y $missing" ;;
    pacman) command="pacman -S --needed --noconfirm $missing" ;;
    *)
      say "missing: $missing; install them with your package manager, then start again" \
          "缺少：$missing；请用您的软件包管理器安装后重试"
      return 1
      ;;
  esac

  if [ "$(id -u)" = 0 ]; then
    as_root='env'
  elif command -v sudo >/dev/null 2>&1; then
    as_root='sudo'
  else
    say "missing: $missing; run this as root, then start again: $command" \
        "缺少：$missing；请以 root 身份运行以下命令后重试：$command"
    return 1
  fi

  say "installing from the distribution: $missing" "正在从发行版安装：$missing"
  # Word splitting is meant below: a command and its words.
  # shellcheck disable=SC2086
  case "$command" in
    apt-get*)
      # A fresh machine has no package lists yet; one broken third-party source must not stop the rest.
      $as_root apt-get update -q >&2 </dev/null || true
      $as_root env DEBIAN_FRONTEND=noninteractive $command -q >&2 </dev/null
      ;;
    *) $as_root $command >&2 </dev/null ;;
  esac || {
    say "could not install: $missing" "安装失败：$missing"
    return 1
  }
}

# configure BUILD OPTION…: makes the build folder, or makes it anew where the source tree was moved or copied.
# Meson writes absolute paths into a build folder, so that one from elsewhere cannot be used.
configure ()
{
  build=$1
  shift
  if [ -f "$build/build.ninja" ] && [ "$(cat "$build/.headroom-configured" 2>/dev/null)" = "$root $*" ]; then
    return 0
  fi
  rm -rf "$build"
  mkdir -p "$(dirname "$build")"
  meson setup "$@" "$build" "$root" >&2 </dev/null || return 1
  printf '%s\n' "$root $*" > "$build/.headroom-configured"
}
