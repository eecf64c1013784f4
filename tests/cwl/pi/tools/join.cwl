cwlVersion: v1.2
class: CommandLineTool
doc: Adds up the counts of some files. Its first task fails, to be tried again.
baseCommand: [python3, -c]
arguments:
  - position: 0
    valueFrom: |
      import json, sys
      if sys.argv[1] == "1":
          sys.exit("task 1 fails on purpose")
      read = [json.load(open(name)) for name in sys.argv[2:]]
      total = {key: sum(one[key] for one in read) for key in ("inside", "points")}
      json.dump(total, open("joined.json", "w"))
inputs:
  task: {type: int, default: 0, inputBinding: {position: 1}}
  counts: {type: "File[]", inputBinding: {position: 2}}
outputs:
  joined: {type: File, outputBinding: {glob: joined.json}}
