# Sourced by who needs another Python than that of .venv: looks on the path and among those of pyenv.

find_python() { # VERSION: an interpreter that can make environments, or nothing
  local one
  for one in $(type -aP "python$1") "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    if "$one" -c "import ensurepip, sqlite3, ssl, sys; sys.exit(sys.version_info[:2] != (3, ${1#3.}))" \
      2>/dev/null; then echo "$one" && return; fi
  done
}
