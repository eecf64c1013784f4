# A job that ends when somebody opens its gate: `sh wait_for.sh FILE`.
until test -e "$1"; do
  sleep 0.2
done
