# A job that ends when somebody opens its gate, or all of its production: `sh wait_for.sh FILE`.
until test -e "$1" || test -e "${1%__*}"; do
  sleep 0.2
done
