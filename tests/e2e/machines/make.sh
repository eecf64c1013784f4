# A job that writes a file when somebody opens its gate: `sh make.sh GATE FILE`.
sh "$(dirname "$0")/../wait_for.sh" "$1"
echo "$2" >"$2"
