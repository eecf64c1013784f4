# What a job of a training may leave: a number that says how good it is, better in each pass.
echo "{\"auc\": 0.$((5 + 2 * ${1:-1}))}" > quality.json
