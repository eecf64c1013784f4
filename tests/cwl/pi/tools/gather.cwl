cwlVersion: v1.2
class: CommandLineTool
baseCommand: [python3, -c]
arguments:
  - position: 0
    valueFrom: |
      import json, sys
      read = [json.load(open(name)) for name in sys.argv[1:]]
      inside, points = (sum(one[key] for one in read) for key in ("inside", "points"))
      print(json.dumps({"pi": 4 * inside / points, "points": points}))
inputs:
  counts: {type: "File[]", inputBinding: {position: 1}}
outputs:
  pi: {type: stdout}
stdout: pi.json
