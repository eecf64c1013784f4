cwlVersion: v1.2
class: CommandLineTool
baseCommand: [python3, -c]
arguments:
  - position: 0
    valueFrom: |
      import json, random, sys
      points, seed = map(int, sys.argv[1:])
      draw = random.Random(seed).random
      inside = sum(draw() ** 2 + draw() ** 2 < 1 for _ in range(points))
      json.dump({"inside": inside, "points": points}, open("counts.json", "w"))
inputs:
  points: {type: int, inputBinding: {position: 1}}
  seed: {type: int, inputBinding: {position: 2}}
outputs:
  counts: {type: File, outputBinding: {glob: counts.json}}
