# A job that leaves a file, or fails once if somebody wants it to: `sh leave.sh FILE MARK`.
rm "$2" 2>/dev/null && exit 1
echo "$1" >"$1"
