# Sourced by setup and lock: hand pip's package index settings on to uv, which does not read them.
# What the environment already says to uv wins. Names no index itself.

pip_setting() { # NAME: the value pip itself would use, or nothing
  local section
  for section in ":env:" install global; do
    "$PIP_PYTHON" -m pip config get "$section.$1" 2>/dev/null && return
  done
  return 0
}

export_for_uv() { # VARIABLE VALUE
  if [ -n "$2" ] && [ -z "${!1:-}" ]; then export "$1=$2"; fi
}

use_pip_settings() { # PYTHON: an interpreter with pip
  PIP_PYTHON=$1
  local extra
  extra=$(pip_setting extra-index-url | tr '\n' ' ')
  [ -n "${UV_INDEX_URL:-}" ] || export_for_uv UV_DEFAULT_INDEX "$(pip_setting index-url)"
  if [ -n "$extra" ] && [ -z "${UV_EXTRA_INDEX_URL:-}" ]; then
    export_for_uv UV_INDEX "$extra"
    # pip looks into all indexes alike; hashes make that safe
    export_for_uv UV_INDEX_STRATEGY unsafe-best-match
  fi
  export_for_uv UV_FIND_LINKS "$(pip_setting find-links | tr '\n ' ',,' | sed 's/,*$//')"
  export_for_uv UV_INSECURE_HOST "$(pip_setting trusted-host | tr '\n' ' ')"
  export_for_uv UV_HTTP_TIMEOUT "$(pip_setting default-timeout)"
  export_for_uv SSL_CERT_FILE "$(pip_setting cert)"
}
